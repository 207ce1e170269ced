"""Orders whose cancellation came first: their handlers run all the same, so the merchant gets an alert for each."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.copies import HAS_RUN
from receiver.mail.notices import EVERY, MOST_OF_A_KIND, Trouble
from receiver.orders.states import CANCELLED, COMPLETED
from receiver.storage import later_events
from receiver.storage.models import IS_LATER, OrderRow


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return an alert for each order that was cancelled within a day, and came after that."""
    order = aliased(OrderRow)
    is_of_it = order.source == OrderRow.source, order.order_id == OrderRow.order_id, order.id > OrderRow.id
    has_run = order.decided == COMPLETED, order.state.in_(HAS_RUN), order.test.is_(False)
    came_later = exists(order.id).where(*is_of_it, *has_run, order.proof.not_in((IMPORTED, IMPORTED_TO_RUN)))
    lately = OrderRow.received_at.between(now - EVERY, now + timedelta(hours=1))
    cancelled = select(OrderRow).where(IS_LATER, OrderRow.decided == CANCELLED, OrderRow.test.is_(False), lately)
    newest = cancelled.where(came_later).order_by(OrderRow.received_at.desc()).limit(MOST_OF_A_KIND)
    pairs = ((row, later_events.order_of(session, row)) for row in session.scalars(newest).all())
    return [_alert(order, row) for row, order in pairs if order is not None and order.id > row.id]


def _alert(order: OrderRow, cancellation: OrderRow) -> Trouble:
    return Trouble.found(
        "order_cancelled_first",
        order.id,
        f"Order {order.order_id} came after its cancellation",
        f"The cancellation is {cancellation.receipt}, the order {order.receipt}.",
        "The order's handlers ran all the same.",
        "Check whether it's still to be packed and sent, and whether the customer knows.",
        about=order.receipt,
        path=f"orders/{order.receipt}",
    )
