"""Parked orders, grouped by source and by the open question, so that one answer settles all that ask the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.intake import questions
from receiver.intake.parked import Overview
from receiver.orders.idempotency import digest
from receiver.storage.columns import receipt_of
from receiver.storage.models import OrderRow

# Written out, so that SQLite uses the index of parked orders by source and question.
_IS_PARKED = sql("state = 'parked'")


@dataclass(frozen=True)
class Group:
    """Parked orders of one source that ask the same."""

    source: str
    #: As `receiver.intake.questions` has it.
    question: str
    seen: Overview
    #: Of the newest order: its id, and its first error.
    newest: int
    field: str
    message: str
    #: The word that is asked about, as the newest order has it.
    word: str | None
    #: Whether it has fields, which can be mapped.
    can_be_mapped: bool

    @property
    def receipt(self) -> str:
        """The receipt of the newest order."""
        return receipt_of(self.newest)

    @property
    def anchor(self) -> str:
        """What names the group in an address."""
        return anchor_of(self.source, self.question)

    @property
    def may_be_no_orders(self) -> bool:
        """Return whether all of them may be something other than orders."""
        return self.question.startswith(questions.NO_ORDER)


def all_groups(session: Session, most: int | None = None, *, source: str = "") -> list[Group]:
    """Return the groups, of a ``source`` if it's named, ``most`` at most, the one with the newest order first."""
    mine = (OrderRow.source == source,) if source else ()
    newest = func.max(OrderRow.id)
    counted = (
        select(OrderRow.source, OrderRow.parked_as, func.count(), func.min(OrderRow.id), newest)
        .where(_IS_PARKED, *mine)
        .group_by(OrderRow.source, OrderRow.parked_as)
        .order_by(newest.desc())
        .limit(most)
    )
    return [_group(session, *row) for row in session.execute(counted).all()]


def find(session: Session, source: str, question: str) -> Group | None:
    """Return one group, or None if none of the source's parked orders asks this question."""
    counted = select(func.count(), func.min(OrderRow.id), func.max(OrderRow.id))
    number, first, last = session.execute(counted.where(_IS_PARKED, *asking(source, question))).one()
    return _group(session, source, question, number, first, last) if number else None


def by_anchor(session: Session, anchor: str) -> Group | None:
    """Return the group that an address names, or None if there's none any more."""
    asked = session.execute(select(OrderRow.source, OrderRow.parked_as).where(_IS_PARKED).distinct())
    found = next(
        ((source, question or "") for source, question in asked if anchor_of(source, question) == anchor), None
    )
    return find(session, *found) if found else None


def asking(source: str, question: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a source's parked orders that ask this question."""
    asks = OrderRow.parked_as == question if question else OrderRow.parked_as.is_(None)
    return OrderRow.source == source, asks


def _group(session: Session, source: str, question: str | None, number: int, first: int, last: int) -> Group:
    oldest = session.execute(select(OrderRow.received_at).where(OrderRow.id == first)).scalar_one()
    columns = OrderRow.received_at, OrderRow.errors, OrderRow.body.is_(None).label("is_read")
    newest = session.execute(select(*columns).where(OrderRow.id == last)).one()
    errors: list[dict[str, Any]] = json.loads(newest.errors or "[]")
    error = errors[0] if errors else {"field": "", "message": ""}
    return Group(
        source=source,
        question=question or "",
        seen=Overview(number, oldest, newest.received_at),
        newest=last,
        field=error["field"],
        message=error["message"],
        word=error.get("word"),
        can_be_mapped=newest.is_read,
    )


def anchor_of(source: str, question: str | None) -> str:
    """Return a short text without anything that was sent."""
    return digest(f"{source}\0{question or ''}")[:16]
