"""Orders that were changed after they were paid: no customer handler runs, so the merchant gets an alert for each."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.mail.notices import EVERY, MOST_OF_A_KIND, Trouble
from receiver.orders import Order
from receiver.orders.order_changes import said
from receiver.orders.states import UPDATED
from receiver.storage import later_events
from receiver.storage.models import IS_LATER, OrderRow

#: Lines of one alert about items.
_MOST_LINES = 10


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return an alert for each order that was changed within a day."""
    lately = OrderRow.received_at.between(now - EVERY, now + timedelta(hours=1))
    came_itself = OrderRow.test.is_(False), OrderRow.proof.not_in((IMPORTED, IMPORTED_TO_RUN))
    changed = select(OrderRow).where(IS_LATER, OrderRow.decided == UPDATED, *came_itself, lately)
    newest = session.scalars(changed.order_by(OrderRow.received_at.desc()).limit(MOST_OF_A_KIND)).all()
    return [_alert(session, row) for row in newest]


def changes(session: Session, row: OrderRow) -> list[str]:
    """Return what a change of an order changed of what it was before, as far as both are still kept whole."""
    before = later_events.before(session, row)
    if before is None or not (before.order and row.order):
        return []
    return said(Order.model_validate_json(before.order), Order.model_validate_json(row.order))


def _alert(session: Session, row: OrderRow) -> Trouble:
    lines = changes(session, row)
    more = [f"And {len(lines) - _MOST_LINES} more."] if len(lines) > _MOST_LINES else []
    return Trouble.found(
        "order_changed",
        row.id,
        f"Order {row.order_id} was changed after it was paid",
        *lines[:_MOST_LINES],
        *more,
        "It's kept beside the order. No handler ran for it, unless one of yours asks for order.updated.",
        "Check whether something has to be packed, sent or paid otherwise than the first time.",
        about=row.receipt,
        path=f"orders/{row.receipt}",
    )
