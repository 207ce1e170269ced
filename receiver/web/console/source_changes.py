"""Settings → Sources: send a source's sample, change its secrets and settings, remove it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import current_app, session
from flask.typing import ResponseReturnValue

from receiver.app import source_sample
from receiver.app.source_facts import facts
from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.security import signing
from receiver.sources import adding
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console
from receiver.web.console.source_forms import NewSecretForm, TableForm
from receiver.web.console.sources import SHOW, page


@console.post("/sources/<name>/secrets")
def sources_secret(name: str) -> ResponseReturnValue:
    """Save a new secret of a source: the one typed, or a new one that the next page shows once."""
    form = NewSecretForm()
    typed = (form.secret.data or "").strip()
    try:
        if not form.validate():
            return page(name, form), 422
        if not typed and not facts(kit, kit.sources.get(name)).guide.is_chosen:
            raise ConfigurationError("Paste the secret that the shop shows.")
        with kit.database.write() as writing:
            mark = adding.add_secret(
                writing,
                name,
                typed or signing.new_secret(),
                kinds=kit.sources.kinds,
                secret_key=kit.secret_key,
                now=datetime.now(UTC),
                overlap=timedelta(hours=int(form.overlap.data)),
            )
    except NotThere:
        raise
    except ConfigurationError as error:
        form.secret.errors = [str(error)]
        return page(name, form), 422
    if not typed:
        session[SHOW] = mark
    kit.sources.look_again()
    return next_page("console.sources_show", f"Saved. The secret {mark} is active now.", name=name)


@console.post("/sources/<name>/secrets/<fingerprint>/revoke")
def sources_revoke(name: str, fingerprint: str) -> ResponseReturnValue:
    """End a secret of a source at once."""
    with kit.database.write() as writing:
        adding.end_secret(writing, name, fingerprint, now=datetime.now(UTC))
    kit.sources.look_again()
    message = f"Revoked {fingerprint}. POSTs that it verified are refused from now on."
    return next_page("console.sources_show", message, name=name, _anchor="secrets")


@console.post("/sources/<name>/table")
def sources_table(name: str) -> ResponseReturnValue:
    """Save what else the table of a source holds."""
    form = TableForm()
    kit.sources.look_again()
    try:
        if not form.validate():
            return page(name, form), 422
        with kit.database.write() as writing:
            adding.change(
                writing,
                name,
                form.table.data or "",
                secrets=kit.sources.get(name).secrets,
                kinds=kit.sources.kinds,
                now=datetime.now(UTC),
            )
    except NotThere:
        raise
    except ConfigurationError as error:
        form.table.errors = [str(error)]
        return page(name, form), 422
    kit.sources.look_again()
    return next_page("console.sources_show", "Saved. It holds for the next order.", name=name, _anchor="other-settings")


@console.post("/sources/<name>/sample")
def sources_sample(name: str) -> ResponseReturnValue:
    """Send the source's sample through this server's own door, and show what became of it."""
    kit.sources.look_again()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - it's served elsewhere too
    try:
        receipt = source_sample.send(kit, app, kit.sources.get(name))
    except NotPossible as error:
        return next_page("console.sources_show", str(error), "bad", name=name, _anchor="sample")
    message = "The sample has arrived. See the steps below."
    return next_page("console.sources_show", message, name=name, sample=receipt, _anchor="sample")


@console.post("/sources/<name>/remove")
def sources_remove(name: str) -> ResponseReturnValue:
    """Remove a source that was added here."""
    with kit.database.write() as writing:
        adding.remove(writing, name)
    kit.sources.look_again()
    message = f"Removed {name}. Its orders stay, and so does its mapping, for when you add it again."
    return next_page("console.sources", message)
