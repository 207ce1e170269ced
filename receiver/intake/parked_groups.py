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
    #: Of the newest order: its receipt, and its first error.
    receipt: str
    field: str
    message: str
    #: The word that is asked about, as the newest order has it.
    word: str | None
    #: Whether it has fields, which can be mapped.
    can_be_mapped: bool

    @property
    def may_be_no_orders(self) -> bool:
        """Return whether all of them may be something other than orders."""
        return self.question.startswith(questions.NO_ORDER)


def all_groups(session: Session, most: int | None = None) -> list[Group]:
    """Return the groups, ``most`` at most, the one with the newest order first."""
    newest = func.max(OrderRow.id)
    counted = (
        select(OrderRow.source, OrderRow.parked_as, func.count(), func.min(OrderRow.id), newest)
        .where(_IS_PARKED)
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


def asking(source: str, question: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a source's parked orders that ask this question."""
    asks = OrderRow.parked_as == question if question else OrderRow.parked_as.is_(None)
    return OrderRow.source == source, asks


def _group(session: Session, source: str, question: str | None, number: int, first: int, last: int) -> Group:
    oldest, newest = session.get_one(OrderRow, first), session.get_one(OrderRow, last)
    errors: list[dict[str, Any]] = json.loads(newest.errors or "[]")
    error = errors[0] if errors else {"field": "", "message": ""}
    return Group(
        source=source,
        question=question or "",
        seen=Overview(number, oldest.received_at, newest.received_at),
        receipt=newest.receipt,
        field=error["field"],
        message=error["message"],
        word=error.get("word"),
        can_be_mapped=newest.body is None,
    )
