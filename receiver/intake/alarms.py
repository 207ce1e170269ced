"""What the merchant is told when orders seem to be missing: none came for long, or their numbers skip."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.settings.model import Settings
from receiver.storage.columns import milliseconds
from receiver.storage.models import OrderRow

#: Newest orders that are looked at for gaps.
_LOOKED_AT = 500
#: How long a number may be late.
_PATIENCE = timedelta(hours=1)
#: A longer gap is a shop that numbers anew.
_LONGEST_GAP = 1000
#: Missing numbers that are named.
_NAMED = 10
#: Letters at a number's end that are looked at.
_LONGEST_NUMBER = 100
_NUMBER = re.compile("(.*?)([0-9]{1,15})")


class _Arrival(NamedTuple):
    number: int
    pk: int
    at: datetime


def standing(session: Session, settings: Settings) -> list[Trouble]:
    """Return the alarms that stand now, of those that the settings switch on."""
    now = datetime.now(UTC)
    quiet = _quiet(session, settings.QUIET_HOURS_ALARM, now) if settings.QUIET_HOURS_ALARM else None
    gap = _gap(session, now) if settings.ORDER_GAP_ALARM else None
    return [trouble for trouble in (quiet, gap) if trouble is not None]


def _quiet(session: Session, hours: int, now: datetime) -> Trouble | None:
    """Return the alarm for a silence; there is none before the first order."""
    newest = select(OrderRow.received_at).where(OrderRow.test.is_(False)).order_by(OrderRow.received_at.desc())
    last = session.scalar(newest.limit(1))
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
    """Gather the newest orders' numbers by source, shop and what stands before the number, in their order."""
    of_order = (func.json_extract(OrderRow.order, f"$.{name}") for name in ("store_id", "order_number", "order_id"))
    columns = OrderRow.source, OrderRow.id, OrderRow.received_at, *of_order
    known = OrderRow.test.is_(False), OrderRow.order.is_not(None)
    newest = select(*columns).where(*known).order_by(OrderRow.id.desc()).limit(_LOOKED_AT)
    sequences: dict[tuple[str, ...], list[_Arrival]] = defaultdict(list)
    for source, pk, at, store, number, order_id in session.execute(newest):
        if match := _NUMBER.fullmatch((number or order_id)[-_LONGEST_NUMBER:]):
            sequences[source, store or "", match[1]].append(_Arrival(int(match[2]), pk, at))
    return {key: sorted(arrivals) for key, arrivals in sequences.items()}


def _missing(arrivals: list[_Arrival], now: datetime) -> Iterator[tuple[int, int]]:
    """Yield each number that is missing, lowest last, with the order that first overtook it."""
    first = arrivals[-1]
    for lower, higher in zip(reversed(arrivals[:-1]), reversed(arrivals[1:]), strict=True):
        first = min(first, higher, key=lambda arrival: arrival.pk)
        if higher.number - lower.number <= _LONGEST_GAP and now - first.at >= _PATIENCE:
            for number in range(higher.number - 1, lower.number, -1):
                yield number, first.pk
