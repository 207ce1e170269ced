"""Received → Parked: forms that may be incomplete, and whether those of a source are accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver.app.components import Kit, current_kit
from receiver.intake import held_back
from receiver.sources import options
from receiver.web.console.blueprint import console


@dataclass(frozen=True)
class ChunkedForms:
    """Whether a source's chunked forms are accepted, and how many are held back."""

    source: str
    held_back: int
    are_accepted: bool
    is_from_file: bool


def of_each_source(session: Session, kit: Kit) -> list[ChunkedForms]:
    """Return those of each source that has any held back, or whose are accepted."""
    counts = held_back.counts(session)
    return [
        ChunkedForms(
            source.name,
            counts.get(source.name, 0),
            source.accepts_chunked_forms,
            source.chunked_forms_in_file is not None,
        )
        for source in kit.sources.known
        if source.name in counts or source.accepts_chunked_forms
    ]


@console.post("/parked/chunked-forms")
def chunked_forms() -> ResponseReturnValue:
    """Save whether the chunked forms of a source are accepted."""
    kit = current_kit()
    kit.sources.look_again()
    source = next((one for one in kit.sources.known if one.name == request.form.get("source")), None)
    if source is None:
        abort(404, "There's no such source, so nothing was saved. Reload Parked.")
    if source.chunked_forms_in_file is not None:
        abort(409, "This is set in config.toml, so nothing was saved. Change it there.")
    accepted = request.form.get("accept") == "yes"
    with kit.database.write() as session:
        options.accept_chunked_forms(session, source.name, accepted=accepted, now=datetime.now(UTC))
    kit.sources.look_again()
    if not accepted:
        flash(f"Saved: chunked forms from {source.name} are held back again.")
        return redirect(url_for("console.parked"), 303)
    flash(f"Saved: chunked forms from {source.name} are accepted. You can run the parked ones now.")
    return redirect(url_for("console.parked_run"), 303)
