"""Check what came in lately: refused POSTs, card data, forms that may be incomplete, and ids that came twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding, ok, warning
from receiver.intake import held_back, refusals
from receiver.intake import quarantine as in_quarantine
from receiver.intake.alarms import newest_with_card_data
from receiver.intake.parked import runs_by_itself
from receiver.intake.refusal_advice import advice
from receiver.mail.text_layout import plain_line
from receiver.sources.saved_options import ACCEPT_CHUNKED_FORMS
from receiver.sources.source import DEFAULT
from receiver.storage import same_id

_NOTES_SHOWN = 3
#: How long one waits in quarantine, unasked, while nothing runs jobs.
_LATE = timedelta(minutes=5)


def refused(kit: Kit) -> Iterator[Finding]:
    """Report the newest refusal for each reason, and how to stop it."""
    with kit.database.read() as session:
        newest = refusals.newest_of_each_reason(session, datetime.now(UTC) - timedelta(days=1))
    for row in newest:
        url = "/orders" if row.source == DEFAULT else f"/orders/{row.source}"
        yield warning("refused", f"{row.at:%Y-%m-%d %H:%M} UTC on {url}: {row.detail} {advice(row.reason).next_step}")
    if not newest:
        yield ok("refused", "no POST refused in 24 h")


def silence(kit: Kit) -> Iterator[Finding]:
    """Name the sources that have gone quiet against their own history, and what to look for."""
    with kit.database.read() as session:
        found = kit.silences.found(session, datetime.now(UTC))
    for one in found:
        yield warning("quiet", f"{one.headline}. {' '.join(one.lines)}")
    if not found:
        yield ok("quiet", "no source has gone quiet against its own history")


def quarantine(kit: Kit) -> Iterator[Finding]:
    """Count the POSTs of each source whose shop hasn't confirmed them yet, and say why the oldest waits."""
    late = datetime.now(UTC) - _LATE
    with kit.database.read() as session:
        waiting = in_quarantine.counts(session)
        oldest = {source: in_quarantine.oldest(session, source) for source in waiting}
    for source, count in waiting.items():
        first = oldest[source]
        text = f"POSTs of {source} that wait until its shop was asked: {count}"
        if first is not None and first.detail:
            since = f"{first.received_at:%Y-%m-%d %H:%M} UTC"
            yield warning("quarantine", plain_line(f"{text}, since {since}. {first.detail}"))
        elif first is not None and first.received_at < late:
            yield warning("quarantine", f"{text}. Is the server or `flask worker` running?")
        else:
            yield ok("quarantine", text)
    if not waiting:
        yield ok("quarantine", "nothing waits until its shop was asked")


def card_data(kit: Kit) -> Iterator[Finding]:
    """Name the newest order that contained card data, and the fields it was in."""
    with kit.database.read() as session:
        order = newest_with_card_data(session, datetime.now(UTC))
    if order is None:
        yield ok("card data", "none in any order in the last 24 h")
        return
    notes = "; ".join(json.loads(order.notes)[:_NOTES_SHOWN])
    text = f"{order.receipt} contained some, which wasn't stored: {notes}. Ask the sender to leave that out"
    yield warning("card data", plain_line(text))


def chunked_forms(kit: Kit) -> Iterator[Finding]:
    """Count the held-back forms of each source, with the fix, and name the sources whose chunked forms are accepted."""
    kit.sources.look_again()
    accepting = [source.name for source in kit.sources.known if source.accepts_chunked_forms]
    with kit.database.read() as session:
        counts = held_back.counts(session)
        advice_of = {
            source: _what_runs(session, kit, source) if source in accepting else _how_to_end_it(source)
            for source in counts
        }
    for source, count in counts.items():
        text = f"parked from {source} because they arrived in chunks and may be incomplete: {count}"
        yield warning("chunked forms", text + advice_of[source])
    if accepting:
        text = f"accepted from {', '.join(accepting)}: one that breaks off is processed as it is"
        yield ok("chunked forms", text)
    elif not counts:
        yield ok("chunked forms", "none held back")


def _how_to_end_it(source: str) -> str:
    accept = f"or accept them: {ACCEPT_CHUNKED_FORMS} = true under [sources.{source}] in config.toml"
    return f". {held_back.HOW_TO_KNOW_THE_END.rstrip('.')}; {accept}"


def _what_runs(session: Session, kit: Kit, source: str) -> str:
    """Return how many forms a replay would run now that the source accepts them, and which one to check by hand."""
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


def one_id(kit: Kit) -> Iterator[Finding]:
    """Count recent events that share an id with another event, and warn about two completed orders."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        events, orders = same_id.count(session, now), same_id.count_of_orders(session, now)
    text = f"events in {same_id.LATELY.days} days that share an id with another event: {events}"
    if events:
        text += f", {orders} of them two completed orders. See `flask orders list --same-id`"
    if orders:
        text += (
            ". Each was stored and processed. Does the shop use one event_id for several orders, or does your mapping "
            "read event_id from a parameter that isn't unique? If so, remove event_id from the mapping"
        )
    yield (warning if orders else ok)("same id", text)
