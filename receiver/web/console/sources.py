"""Settings → Sources: the shops that send orders, and one of them with its address and where to click there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import render_template, request, session
from sqlalchemy.orm import Session

from receiver.app import source_sample
from receiver.app.source_facts import SourceFacts, facts, is_reachable
from receiver.errors import NotThere
from receiver.intake import arrivals
from receiver.intake.arrivals import Arrivals
from receiver.security import encryption, signing
from receiver.settings.model import FILE
from receiver.sources import adding, proofs, table_text
from receiver.sources.source import DEFAULT, Source
from receiver.storage import order_queries
from receiver.web import kit
from receiver.web.console.blueprint import console
from receiver.web.console.source_forms import NewSecretForm, TableForm

#: Key, in the session, of the fingerprint of a secret that the page of its source shows once.
SHOW = "show_source_secret"


class Listed(NamedTuple):
    """One source, what has arrived from it, and why nothing from it is taken, if so."""

    facts: SourceFacts
    arrivals: Arrivals
    refuses: str

    @property
    def state(self) -> str:
        """Whether the shop is connected, in one or two words."""
        if self.refuses:
            return "refuses all"
        return "connected" if self.arrivals.last else "waiting"


@console.get("/sources")
def sources() -> str:
    """List the sources."""
    kit.sources.look_again()
    known = sorted(kit.sources.known, key=lambda source: (source.name != DEFAULT, source.name))
    with kit.database.read() as reading:
        listed = [_listed(reading, source) for source in known]
    return render_template(
        "console/sources.html", listed=listed, problems=kit.sources.problems, warnings=kit.sources.shadowed
    )


@console.get("/sources/<name>")
def sources_show(name: str) -> str:
    """Show one source."""
    return page(name)


@console.get("/sources/<name>/arrivals")
def sources_arrivals(name: str) -> str:
    """Show what has arrived from a source: the part of its page that's fetched again until the first order is there."""
    with kit.database.read() as reading:
        one = _listed(reading, kit.sources.get(name))
        return render_template("console/source_arrivals.html", one=one, **_newest_parked(reading, name))


def page(name: str, form: NewSecretForm | TableForm | None = None) -> str:
    """Return the page of a source, with one of its forms as it was sent."""
    kit.sources.look_again()
    source = kit.sources.get(name)
    with kit.database.read() as reading:
        one = _listed(reading, source)
        secrets = adding.secrets_of(reading, name) if source.is_saved else []
        return render_template(
            "console/source.html",
            one=one,
            secrets=[(row, _state(row.ends_at, row.ciphertext)) for row in secrets],
            new_secret=_shown_once(source),
            is_default=source.name == DEFAULT,
            is_reachable=is_reachable(kit),
            file=kit.instance / FILE,
            no_sample=source_sample.why_not(kit, source),
            tried=_tried(reading, name),
            **_newest_parked(reading, name),
            form=form if isinstance(form, NewSecretForm) else NewSecretForm(),
            table_form=form if isinstance(form, TableForm) else _table_form(reading, source),
        )


def _listed(reading: Session, source: Source) -> Listed:
    if source.trouble:
        refuses = source.trouble
    else:
        refuses = "" if source.secrets or not proofs.needs_own(source) else proofs.without_secrets(source)
    return Listed(facts(kit, source), arrivals.of_source(reading, source.name), refuses)


def _table_form(reading: Session, source: Source) -> TableForm | None:
    if not source.is_saved or source.trouble:
        return None
    return TableForm(table=table_text.text_of(adding.table_of(reading, source.name), source.saved))


def _tried(reading: Session, name: str) -> dict[str, Any] | None:
    """Return receipt and steps of the source's sample that the page's address names; None without one."""
    try:
        row = order_queries.find(reading, request.args.get("sample", ""))
    except NotThere:
        return None
    return (
        {"receipt": row.receipt, "steps": list(source_sample.steps(reading, row.receipt))}
        if row.test and row.source == name
        else None
    )


def _newest_parked(reading: Session, name: str) -> dict[str, Any]:
    return {"parked": arrivals.newest_parked(reading, name)}


def _state(ends_at: datetime | None, ciphertext: str) -> str:
    if ends_at is not None and ends_at <= datetime.now(UTC):
        return "retired"
    return "active" if encryption.decrypted(kit.secret_key, ciphertext) else "unreadable"


def _shown_once(source: Source) -> str | None:
    """Return the secret that the request before created, in clear; only once."""
    mark = session.pop(SHOW, None)
    return next((secret for secret in source.secrets if signing.fingerprint(secret) == mark), None) if mark else None
