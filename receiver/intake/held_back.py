"""Forms that are held back because they may be incomplete: which whole ones replace them, and how many wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from receiver.intake.copies import fields_of
from receiver.orders import Fields, NotUnderstood, is_cut_of, is_same_form
from receiver.orders.email_addresses import normalised
from receiver.storage.columns import receipt_of
from receiver.storage.database import Database
from receiver.storage.json_columns import json_elements
from receiver.storage.models import IS_HELD_BACK, OrderRow

HOW_TO_KNOW_THE_END = (
    "Put a proxy in front that buffers whole requests (deploy/nginx.conf, deploy/Caddyfile), "
    "serve with gunicorn, or have the sender add a Content-Length or a signature."
)
_LOOK_EVERY_SECONDS = 3.0
#: How many orders back the first look of a process goes; earlier processes compared those before.
_FIRST_LOOKED_AT = 1000
#: How many of the newest one look compares; an older one is compared when it's replayed.
_MOST_LOOKED_AT = 500
#: How long a sender retries. Of a form cut before its order id, only a retry can show what it was.
_RETRIED_FOR = timedelta(days=1)
_WHITE_SPACE = " \t\r\n"

_News = Callable[[Any], ColumnElement[bool]]


class HeldBack:
    """What makes a held-back order a duplicate once all of it has arrived in another POST."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Id of the newest row at the last look.
        self._seen: int | None = None
        self._look_again_at = 0.0

    def look(self) -> None:
        """Compare what's held back with what came since the last look, every few seconds at most."""
        if time.monotonic() < self._look_again_at:
            return
        self._look_again_at = time.monotonic() + _LOOK_EVERY_SECONDS
        with self._database.read() as session:
            newest = session.scalar(select(func.max(OrderRow.id))) or 0
            seen = newest - _FIRST_LOOKED_AT if self._seen is None else self._seen
            found = _superseded(session, lambda row: row.id > seen) if newest > seen else {}
        if found:  # nothing is read again while others wait to write
            with self._database.write() as session:
                for pk, receipt in found.items():
                    _settle(session, pk, receipt)
        self._seen = newest


def settle_by(session: Session, row: OrderRow) -> None:
    """Make what's held back a duplicate of an order that was just understood, if that holds all of it."""
    for pk, receipt in _superseded(session, lambda other: other.id == row.id).items():
        if pk != row.id:
            _settle(session, pk, receipt)


def superseded_by(session: Session, row: OrderRow, said: OrderRow | NotUnderstood) -> str | None:
    """Return the receipt of what replaces a form that may have been cut; None while there is nothing.

    That has all its fields, and is the same kind of notice. What's held back or parked itself only replaces the very
    same form. ``said`` is what's certain of the form. A whole POST wins over one that may be cut.
    """
    fields = fields_of(row.fields)
    candidates = select(OrderRow).where(
        OrderRow.source == row.source, OrderRow.id != row.id, _may_be(row, said, fields)
    )
    for other in session.scalars(candidates.order_by(OrderRow.may_be_cut, OrderRow.id)):
        stands_for = other.duplicate_of or other.receipt
        if stands_for != row.receipt and _takes_place(other, row, said, fields):
            return stands_for
    return None


def counts(session: Session) -> dict[str, int]:
    """Return how many are held back, by source."""
    counted = select(OrderRow.source, func.count()).where(IS_HELD_BACK).group_by(OrderRow.source)
    return dict(session.execute(counted.order_by(OrderRow.source)).all())


def of_source(session: Session, source: str) -> Sequence[OrderRow]:
    """Return what's held back of a source, oldest first, no more than one look compares."""
    mine = select(OrderRow).where(IS_HELD_BACK, OrderRow.source == source).order_by(OrderRow.id)
    return session.scalars(mine.limit(_MOST_LOOKED_AT)).all()


def _may_be(row: OrderRow, said: OrderRow | NotUnderstood, fields: Fields) -> ColumnElement[bool]:
    """Return the orders that a form may be part of: those of its id or, if it has none yet, its customer's retries."""
    if said.order_id is not None:
        return OrderRow.order_id == said.order_id
    emails = {normalised(value) for _, value in fields[:-1] if "@" in value}
    in_time = OrderRow.received_at.between(row.received_at, row.received_at + _RETRIED_FOR)
    return and_(OrderRow.email.in_(emails), OrderRow.id > row.id, in_time)


def _takes_place(other: OrderRow, row: OrderRow, said: OrderRow | NotUnderstood, fields: Fields) -> bool:
    theirs = fields_of(other.fields)
    if other.order is None:
        return is_same_form(fields, theirs) and not (other.may_be_cut and other.id > row.id)
    return (other.decided, other.test) == (said.decided, said.test) and is_cut_of(fields, theirs)


def _superseded(session: Session, is_news: _News) -> dict[int, str]:
    """Return what replaces each held-back form, by receipt; only new forms, and those that new orders may replace."""
    rows = session.scalars(concerned(is_news)).all()
    found = {row.id: superseded_by(session, row, row) for row in rows}
    return {pk: receipt for pk, receipt in found.items() if receipt}


def concerned(is_news: _News) -> Select[OrderRow]:
    """Select what's held back and is news, or has the order id or customer of some news; newest first."""
    other = aliased(OrderRow)
    field = json_elements(OrderRow.fields)
    value = func.lower(func.trim(field.c.value[1].as_string(), _WHITE_SPACE))
    is_news_of_it = exists().where(is_news(other), other.id != OrderRow.id)
    # Each is found by a column's index. With one EXISTS for both, SQLite compares everything held back with all the
    # news: half a minute for 5,000 forms beside 1,000 orders.
    of_its_id = is_news_of_it.where(other.order_id == OrderRow.order_id, other.source == OrderRow.source)
    # Its source is left to superseded_by, or SQLite would use the index of sources.
    of_its_customer = is_news_of_it.where(other.email.in_(select(value).where(value.contains("@"))))
    waiting = select(OrderRow).where(
        IS_HELD_BACK, or_(is_news(OrderRow), of_its_id, and_(OrderRow.order_id.is_(None), of_its_customer))
    )
    # By id alone, SQLite would walk the index of everything parked, which may be far more.
    return waiting.order_by(OrderRow.source.desc(), OrderRow.id.desc()).limit(_MOST_LOOKED_AT)


def _settle(session: Session, pk: int, receipt: str) -> None:
    """Make one a duplicate, and its own duplicates with it."""
    columns = {"state": "duplicate", "duplicate_of": receipt}
    session.execute(update(OrderRow).where(OrderRow.id == pk, IS_HELD_BACK).values(**columns))
    session.execute(update(OrderRow).where(OrderRow.duplicate_of == receipt_of(pk)).values(duplicate_of=receipt))
