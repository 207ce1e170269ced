"""Look at forms of which nothing shows that they are whole: how many are held back, and where they are accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding
from receiver.intake import held_back
from receiver.intake.parked import runs_by_itself
from receiver.sources.options import ACCEPT_CHUNKED_FORMS


def chunked_forms(kit: Kit) -> Iterator[Finding]:
    """Count by source what is held back, and say how to end that; name the sources whose chunked forms are accepted."""
    kit.sources.look_again()
    accepting = [source.name for source in kit.sources.known if source.accepts_chunked_forms]
    with kit.database.read() as session:
        counts = held_back.counts(session)
        advice = {
            source: _what_runs(session, kit, source) if source in accepting else _how_to_end_it(source)
            for source in counts
        }
    for source, count in counts.items():
        text = f"parked from {source} because they arrived in chunks and may be incomplete: {count}{advice[source]}"
        yield Finding("chunked forms", "warning", text)
    if accepting:
        text = f"accepted from {', '.join(accepting)}: one that breaks off is processed as it is"
        yield Finding("chunked forms", "ok", text)
    elif not counts:
        yield Finding("chunked forms", "ok", "none held back")


def _how_to_end_it(source: str) -> str:
    accept = f"or accept them: {ACCEPT_CHUNKED_FORMS} = true under [sources.{source}] in config.toml"
    return f". {held_back.HOW_TO_KNOW_THE_END.rstrip('.')}; {accept}"


def _what_runs(session: Session, kit: Kit, source: str) -> str:
    """Describe how many of the now accepted ones a replay would run, and which one to check otherwise."""
    now = datetime.now(UTC)
    rows = held_back.of_source(session, source)
    stay = [row.receipt for row in rows if not runs_by_itself(session, row, kit.sources, now)]
    text = "; they're accepted now"
    if len(stay) < len(rows):
        text += f". {len(rows) - len(stay)} can run: flask orders replay --parked"
    if stay:
        more = f", and {len(stay) - 1} more" if len(stay) > 1 else ""
        text += f". Check: flask orders explain {stay[0]}; then run or dismiss it{more}"
    return text
