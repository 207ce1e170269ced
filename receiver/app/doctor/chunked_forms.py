"""Look at forms of which nothing shows that they are whole: how many are held back, and where they are accepted."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding
from receiver.intake import held_back
from receiver.sources.options import ACCEPT_CHUNKED_FORMS


def chunked_forms(kit: Kit) -> Iterator[Finding]:
    """Count by source what is held back, and say how to end that; name the sources whose chunked forms are accepted."""
    kit.sources.look_again()
    accepting = [source.name for source in kit.sources.known if source.accepts_chunked_forms]
    with kit.database.read() as session:
        counts = held_back.counts(session)
    for source, count in counts.items():
        yield Finding("chunked forms", "warning", _advice(source, count, is_accepted=source in accepting))
    if accepting:
        text = f"accepted from {', '.join(accepting)}: one that breaks off is handled as it is"
        yield Finding("chunked forms", "ok", text)
    elif not counts:
        yield Finding("chunked forms", "ok", "none is held back because it may be incomplete")


def _advice(source: str, count: int, *, is_accepted: bool) -> str:
    text = f"parked from {source} because they came in chunks and may be incomplete: {count}"
    if is_accepted:
        return f"{text}; they are accepted by now: flask orders replay --parked"
    accept = f"or accept them: {ACCEPT_CHUNKED_FORMS} = true under [sources.{source}] in config.toml"
    return f"{text}. {held_back.HOW_TO_KNOW_THE_END.rstrip('.')}; {accept}"
