"""Orders that share an id and say different things: which they are, and which of them the merchant should hear of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, exists, func, or_, select, type_coerce, union
from sqlalchemy.orm import Session, aliased

from receiver.storage.clock import utc_now
from receiver.storage.columns import milliseconds
from receiver.storage.models import OrderRow

#: An older one is no news.
LATELY = timedelta(days=7)
#: States of what isn't an event of its own, or not yet.
_NO_EVENT = ("parked", "duplicate")


def shared() -> Any:
    """Select the ids of all that share an event_id, webhook-id or made-up key with something that differs."""
    later = OrderRow.same_id_as.is_not(None)
    return union(select(OrderRow.id).where(later), select(OrderRow.same_id_as).where(later))


def among(session: Session, rows: Sequence[OrderRow]) -> set[int]:
    """Return the ids of those of these orders that share theirs."""
    mine = [row.id for row in rows]
    firsts = select(OrderRow.same_id_as).where(OrderRow.same_id_as.in_(mine))
    return {row.id for row in rows if row.same_id_as is not None} | {pk for pk in session.scalars(firsts) if pk}


def others(session: Session, row: OrderRow) -> Sequence[OrderRow]:
    """Return what else came with an order's id, oldest first."""
    first = row.same_id_as or row.id
    family = or_(OrderRow.id == first, OrderRow.same_id_as == first)
    return session.scalars(select(OrderRow).where(family, OrderRow.id != row.id).order_by(OrderRow.id)).all()


def count(session: Session, now: datetime) -> int:
    """Count the events of the last days whose id another event has too."""
    return session.scalar(select(func.count(OrderRow.id)).where(*_came_lately(now))) or 0


def count_of_orders(session: Session, now: datetime) -> int:
    """Count, of those, the completed real orders whose id another completed real order has."""
    return session.scalar(select(func.count(OrderRow.id)).where(*_came_lately(now), *_two_orders())) or 0


def newest_of_orders(session: Session) -> int:
    """Return the id of the newest of those orders and the others of their ids, 0 when there is none."""
    # Not by SQL's max(): for that SQLite would walk the whole table from its end.
    mine = select(OrderRow.id, OrderRow.same_id_as).where(*_came_lately(utc_now()), *_two_orders())
    return max((pk or 0 for pk in chain.from_iterable(session.execute(mine))), default=0)


def came_today(session: Session, now: datetime) -> bool:
    """Return whether the newest of those orders is less than a day old; nothing is lost, so older ones are no alarm."""
    order = session.get(OrderRow, newest_of_orders(session))
    return order is not None and now - order.received_at < timedelta(days=1)


def _came_lately(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OrderRow.same_id_as.is_not(None),
        # An expression, so that SQLite uses the index of shared ids and not the one of times, which holds all orders.
        type_coerce(OrderRow.received_at, BigInteger) + 0 >= milliseconds(now - LATELY),
        OrderRow.state.not_in(_NO_EVENT),
    )


def _two_orders() -> tuple[ColumnElement[bool], ...]:
    """Leave out what's normal: a notice that was pending and is paid now, a test, a refund."""
    other = aliased(OrderRow)
    is_the_first = other.id == OrderRow.same_id_as  # it may have come later: this row was parked until then
    is_earlier = and_(other.same_id_as == OrderRow.same_id_as, other.id < OrderRow.id)
    has_another = exists().where(or_(is_the_first, is_earlier), *_is_an_order(other))
    return *_is_an_order(OrderRow), has_another


def _is_an_order(row: Any) -> tuple[ColumnElement[bool], ...]:
    return row.decided == "completed", row.test.is_(False), row.state.not_in(_NO_EVENT)
