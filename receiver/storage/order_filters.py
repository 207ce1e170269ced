"""Which orders a list shows: its filters, their ids page by page, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Numeric, Subquery, and_, case, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from receiver.orders.states import COMPLETED
from receiver.orders.values import decimals
from receiver.storage import same_id, search
from receiver.storage.columns import milliseconds
from receiver.storage.models import IS_LATER, OrderRow

#: Lists besides that of the real orders: tests, orders that share an id, refunds and changes.
WHICH = ("tests", "same_id", "later")
#: Orders that are counted and summed at most, and of those that words find: each of them is looked up.
MOST_COUNTED, MOST_FOUND = 100_000, 10_000
_AMOUNT: ColumnElement[float] = cast(OrderRow.total, Numeric(asdecimal=False))
#: The states of an order that counts as sold, and 1 for those that do.
_SOLD_STATES = ("open", "done", "failed")
_IS_SOLD = and_(OrderRow.decided == COMPLETED, OrderRow.state.in_(_SOLD_STATES), OrderRow.test.is_(False))
_SOLD = case((_IS_SOLD, 1), else_=0)
# Not the bare columns: SQLite would take their own indexes, and then look up the large rows of whole days or sources.
_SOURCE, _RECEIVED_AT = OrderRow.source.concat(""), type_coerce(OrderRow.received_at, BigInteger) + 0


@dataclass(frozen=True)
class Totals:
    """What the orders of a list come to: completed real orders count, whatever else is shown."""

    found: int
    #: Whether there are more than are counted; then nothing is summed.
    is_cut: bool
    sold: int
    #: By currency, empty for none.
    sums: Mapping[str, Decimal]


@dataclass(frozen=True)
class OrderFilter:
    """What must be true of an order in a list; empty filters are left out."""

    words: str = ""
    state: str = ""
    #: One of WHICH. Without it, the real orders, or whatever the words find.
    which: str = ""
    source: str = ""
    #: When it came: from this moment on, and before that one.
    since: datetime | None = None
    until: datetime | None = None
    #: Its total, in whatever currency.
    least: Decimal | None = None
    most: Decimal | None = None

    def ids(self, session: Session, *, most: int, before: int | None = None) -> Sequence[int]:
        """Return the ids of the newest orders, those below an id."""
        if self.words:
            return search.ids(session, self.words, *self._conditions(), most=most, before=before)
        found = select(OrderRow.id).where(*self._conditions())
        found = found if before is None else found.where(OrderRow.id < before)
        return session.scalars(found.order_by(OrderRow.id.desc()).limit(most)).all()

    def totals(self, session: Session) -> Totals:
        """Count the orders, and sum what was sold by currency."""
        listed = select(OrderRow.currency, _SOLD.label("sold"), _AMOUNT.label("amount"))
        if self.words:
            most = MOST_FOUND
            listed = listed.where(OrderRow.id.in_(self.ids(session, most=most + 1)))
        else:
            most = MOST_COUNTED
            listed = listed.where(*self._conditions()).limit(most + 1)
        return _summed(session, listed.subquery(), most)

    def _conditions(self) -> list[ColumnElement[bool]]:
        return [*self._of_which(), *self._of_columns()]

    def _of_which(self) -> Iterator[Any]:
        if self.which == "same_id":
            yield OrderRow.id.in_(same_id.shared())
        elif self.which or not self.words:
            yield OrderRow.test.is_(self.which == "tests")
        if self.which == "later":  # by their own index, since there are few among all orders
            yield OrderRow.id.in_(select(OrderRow.id).where(IS_LATER))

    def _of_columns(self) -> Iterator[Any]:
        if self.state:
            yield OrderRow.state == self.state
        if self.source:
            yield self.source == _SOURCE
        if self.since is not None:
            yield milliseconds(self.since) <= _RECEIVED_AT
        if self.until is not None:
            yield milliseconds(self.until) > _RECEIVED_AT
        if self.least is not None:
            yield float(self.least) <= _AMOUNT
        if self.most is not None:
            yield float(self.most) >= _AMOUNT


def is_sold(row: OrderRow) -> bool:
    """Return whether an order's total is in the sum of its list."""
    return row.decided == COMPLETED and row.state in _SOLD_STATES and not row.test


def _summed(session: Session, listed: Subquery, most: int) -> Totals:
    amounts = func.sum(case((listed.c.sold == 1, listed.c.amount)))
    summed = select(listed.c.currency, func.count(), func.sum(listed.c.sold), amounts)
    rows = session.execute(summed.group_by(listed.c.currency).order_by(func.count().desc())).all()
    count = sum(row[1] for row in rows)
    if count > most:
        return Totals(most, is_cut=True, sold=0, sums={})
    sums = {currency or "": _exact(amount, currency) for currency, _, _, amount in rows if amount is not None}
    return Totals(count, is_cut=False, sold=sum(row[2] for row in rows), sums=sums)


def of_days(first: date | None, last: date | None, zone: tzinfo) -> dict[str, Any]:
    """Return the filters of the days from the first to the last one, as they begin and end in a zone."""
    after = last + timedelta(days=1) if last and last < date.max else None
    return {"since": _midnight(first, zone), "until": _midnight(after, zone)}


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None


def _exact(amount: float, currency: str | None) -> Decimal:
    """Return a sum of amounts in the decimals of its currency: SQLite sums only floating-point numbers."""
    return Decimal(f"{amount:.{decimals(currency)}f}")
