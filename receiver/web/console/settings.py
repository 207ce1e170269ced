"""The settings in force, the receiver's secrets, and the password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import render_template, session
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from pydantic.fields import FieldInfo
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import Length

from receiver.errors import ConfigurationError
from receiver.mail.notices import TROUBLES
from receiver.security import signing
from receiver.settings.model import SETTINGS, is_secret
from receiver.settings.reading import DEFAULT
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console

#: Key, in the session, of the fingerprint of a secret that the next page shows.
_SHOW = "show_receiver_secret"
#: How long a secret that is replaced stays valid, in hours.
OVERLAPS = [
    SelectChoice("24", "for another 24 hours"),
    SelectChoice("168", "for another 7 days"),
    SelectChoice("0", "no longer: it ends now"),
]


class SecretForm(FlaskForm):  # type: ignore[misc]
    """The form for one more shared secret."""

    secret = StringField("Secret", [Length(max=1000, message="Use at most 1,000 characters.")])
    replaces = SelectField("Replaces")
    overlap = SelectField("The old one stays valid", choices=OVERLAPS)


@console.get("/settings")
def settings() -> str:
    """Show the settings."""
    return _page(_form())


@console.post("/settings/secrets")
def settings_add_secret() -> ResponseReturnValue:
    """Add a secret: the one typed, or a new one that the next page shows once."""
    form = _form()
    secret, now = form.secret.data or signing.new_secret(), datetime.now(UTC)
    try:
        if not form.validate():
            return _page(form), 422
        with kit.database.write() as writing:
            if form.replaces.data:
                overlap = timedelta(hours=int(form.overlap.data))
                mark = kit.shared_secrets.replace(writing, form.replaces.data, secret, now=now, overlap=overlap)
            else:
                mark = kit.shared_secrets.add(writing, secret, now=now)
    except ConfigurationError as error:
        form.secret.errors = [str(error)]
        return _page(form), 422
    if not form.secret.data:
        session[_SHOW] = mark
    message = f"Added. The secret {mark} is active now, without a restart."
    return next_page("console.settings", message, _anchor="secrets")


@console.post("/settings/secrets/<fingerprint>/revoke")
def settings_revoke_secret(fingerprint: str) -> ResponseReturnValue:
    """End a stored secret at once."""
    with kit.database.write() as writing:
        kit.shared_secrets.end(writing, fingerprint, at=datetime.now(UTC))
    message = f"Revoked {fingerprint}. POSTs that use it are refused from now on."
    return next_page("console.settings", message, _anchor="secrets")


def _page(form: SecretForm) -> str:
    return render_template(
        "console/settings.html",
        form=form,
        secrets=_secrets(),
        shown=_shown_once(),
        problems=[*kit.problems, *kit.paused],
        warnings=kit.setting_warnings,
        rows=[_row(name, field) for name, field in SETTINGS.items()],
        file=kit.instance / "config.toml",
        troubles=[one.headline for one in TROUBLES],
        in_force=kit.settings,
    )


def _form() -> SecretForm:
    form = SecretForm()
    stored = [row["fingerprint"] for row in _secrets() if row["state"] == "active" and row["created_at"]]
    form.replaces.choices = [SelectChoice("", "none: add another"), *(SelectChoice(mark, mark) for mark in stored)]
    return form


def _secrets() -> list[dict[str, Any]]:
    with kit.database.read() as reading:
        rows = kit.shared_secrets.listing(reading, now=datetime.now(UTC))
    for row in rows:
        row.update({name: datetime.fromisoformat(row[name]) for name in ("created_at", "ends_at") if row[name]})
    return rows


def _shown_once() -> str | None:
    """Return the secret that the request before created, in clear; only once."""
    mark = session.pop(_SHOW, None)
    active = kit.shared_secrets.keyring().active if mark else ()
    return next((secret for secret in active if signing.fingerprint(secret) == mark), None)


def in_words(field: FieldInfo, value: Any) -> str:
    """Return a setting's value as text; of a secret only whether it's set."""
    if is_secret(field):
        return f"{len(value)} set" if isinstance(value, tuple) and value else ("set" if value else "not set")
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str | None]:
    """Return a setting's name, its value in words, where that's from, and its meaning."""
    value, origin = in_words(field, getattr(kit.settings, name)), kit.setting_origins[name]
    if name == "SECRET_KEY" and origin == DEFAULT and kit.settings.SECRET_KEY:
        origin = "secret_key"
    return name, value or ("all" if name == "HANDLERS" else ""), origin, field.description
