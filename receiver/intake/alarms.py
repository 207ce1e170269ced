"""What the merchant is emailed about orders: missing, possibly incomplete, or sent with card data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.held_back import HOW_TO_KNOW_THE_END
from receiver.mail.notices import EVERY, Trouble
from receiver.orders.states import REFUNDED
from receiver.settings.model import Settings
from receiver.storage.columns import milliseconds
from receiver.storage.json_columns import json_text
from receiver.storage.models import IS_HELD_BACK, OrderRow

#: Newest orders that are searched for gaps.
_LOOKED_AT = 500
#: How long the whole one is waited for: a sender that hears no answer soon sends again.
_WHOLE_WITHIN = timedelta(minutes=10)
#: How long a number may be late.
_PATIENCE = timedelta(hours=1)
#: A longer gap is a shop that has started numbering again.
_LONGEST_GAP = 1000
#: Missing numbers that are named.
_NAMED = 10
#: Letters at a number's end that are looked at.
_LONGEST_NUMBER = 100
_NUMBER = re.compile("(.*?)([0-9]{1,15})")


# Written out, so that SQLite uses the index of these few.
_HELD_CARD_DATA = sql("held_card_data")


class _Arrival(NamedTuple):
    number: int
    pk: int
    at: datetime


def standing(session: Session, settings: Settings) -> list[Trouble]:
    """Return what there may be an alarm for now: always the first two, the others if the settings switch them on."""
    now = datetime.now(UTC)
    quiet = _quiet(session, settings.QUIET_HOURS_ALARM, now) if settings.QUIET_HOURS_ALARM else None
    gap = _gap(session, now) if settings.ORDER_GAP_ALARM else None
    return [trouble for trouble in (_CAME_WITH_CARD_DATA, _HELD_BACK, quiet, gap) if trouble is not None]


def newest_with_card_data(session: Session, now: datetime) -> OrderRow | None:
    """Return the newest order that card data came with, if it's less than a day old."""
    order = session.get(OrderRow, _newest(session, _HELD_CARD_DATA))
    return order if order is not None and now - order.received_at < EVERY else None


def _newest(session: Session, *conditions: Any) -> int:
    return session.scalar(select(func.max(OrderRow.id)).where(*conditions)) or 0


_CAME_WITH_CARD_DATA = Trouble(
    kind="card_data_dropped",
    newest=lambda session: _newest(session, _HELD_CARD_DATA),
    headline="An order arrived with card data, which wasn't stored",
    lines=(
        "The order is safe and was processed normally.",
        "Fields for card details were dropped, and card numbers cut to their last four digits.",
        "The order's notes name the fields. Find the order with: flask doctor, then: flask orders show RECEIPT",
        "Ask whoever sends the orders to leave these fields out.",
        "If it was one of your own numbers, it looks like a card number: see “Card data” in Help.",
    ),
    stands=lambda session, now: newest_with_card_data(session, now) is not None,
)


def _newest_held_back(session: Session) -> int:
    waited_for = OrderRow.received_at < datetime.now(UTC) - _WHOLE_WITHIN
    return _newest(session, IS_HELD_BACK, waited_for)


_HELD_BACK = Trouble(
    kind="order_held_back",
    newest=_newest_held_back,
    headline="An order may be incomplete",
    lines=(
        "It's a form sent in chunks without a Content-Length, so we can't tell whether all of it arrived.",
        "It's parked, its handlers haven't run, and no complete copy has arrived since.",
        HOW_TO_KNOW_THE_END,
        "See it in the console under Received → Parked: run it as is, or accept chunked forms from its source.",
    ),
)


def _quiet(session: Session, hours: int, now: datetime) -> Trouble | None:
    """Return the alarm for a silence; there is none before the first order."""
    came = OrderRow.test.is_(False), OrderRow.proof.not_in((IMPORTED, IMPORTED_TO_RUN))
    last = session.scalar(select(OrderRow.received_at).where(*came).order_by(OrderRow.received_at.desc()).limit(1))
    if last is None or now - last < timedelta(hours=hours):
        return None
    return Trouble.found(
        "quiet_hours",
        milliseconds(last),
        f"No orders for {hours} hours" if hours > 1 else "No orders for an hour",
        f"The last one arrived on {last:%Y-%m-%d} at {last:%H:%M} UTC. You're told because QUIET_HOURS_ALARM is set.",
        "If orders were placed since, check in the service's Order Manager whether they're still sent here.",
        "To see whether they're refused here, and why, run: flask doctor",
    )


def _gap(session: Session, now: datetime) -> Trouble | None:
    """Return the alarm for order numbers that are missing for too long."""
    found = [gap for arrivals in _sequences(session).values() for gap in _missing(arrivals, now)]
    if not found:
        return None
    names = ", ".join(str(number) for number, _ in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Trouble.found(
        "order_gap",
        max(pk for _, pk in found),
        "Gaps in order numbers: orders may be missing",
        f"Later orders arrived, but not: {names}{more}",
        "A parked order's number isn't known yet. List them with: flask orders list --state parked",
        "If they were placed, resend them from the service's Order Manager.",
        "You're told because ORDER_GAP_ALARM is on.",
    )


def _sequences(session: Session) -> dict[tuple[str, ...], list[_Arrival]]:
    """Return the newest orders' numbers in their order, by source, shop and what's before the number."""
    columns = OrderRow.source, OrderRow.id, OrderRow.received_at
    of_order = (json_text(OrderRow.order, name) for name in ("store_id", "order_number", "order_id"))
    # A refund shows no order: it may come without it.
    known = OrderRow.test.is_(False), OrderRow.order.is_not(None), OrderRow.decided.is_distinct_from(REFUNDED)
    newest: Any = select(*columns, *of_order).where(*known).order_by(OrderRow.id.desc()).limit(_LOOKED_AT)
    sequences: dict[tuple[str, ...], list[_Arrival]] = defaultdict(list)
    for source, pk, at, store, number, order_id in session.execute(newest):
        if match := _NUMBER.fullmatch((number or order_id)[-_LONGEST_NUMBER:]):
            sequences[source, store or "", match[1]].append(_Arrival(int(match[2]), pk, at))
    return {key: sorted(arrivals) for key, arrivals in sequences.items()}


def _missing(arrivals: list[_Arrival], now: datetime) -> Iterator[tuple[int, int]]:
    """Yield each missing number, lowest last, with the id of the first order that overtook it."""
    first = arrivals[-1]
    for lower, higher in zip(reversed(arrivals[:-1]), reversed(arrivals[1:]), strict=True):
        first = min(first, higher, key=lambda arrival: arrival.pk)
        if higher.number - lower.number <= _LONGEST_GAP and now - first.at >= _PATIENCE:
            for number in range(higher.number - 1, lower.number, -1):
                yield number, first.pk
