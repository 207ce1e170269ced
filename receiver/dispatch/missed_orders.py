"""The orders that came before a handler was loaded, though its file was there already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from receiver.handlers.contract import Handler
from receiver.intake.authentication import IMPORTED
from receiver.orders.states import EVENTS
from receiver.storage.columns import receipt_of
from receiver.storage.models import HandlerRow, OrderRow

#: How far back they're looked for.
LONGEST = timedelta(days=7)
#: How many are found at most.
MOST = 500
#: The states of orders that handlers have run on.
_HAVE_RUN = ("open", "done", "failed")


def missed_orders(session: Session, handler: Handler, now: datetime) -> Sequence[str]:
    """Return the receipts of the orders that came since a handler's file was last saved, and on which it didn't run.

    The oldest comes first; 500 at most, of the last 7 days. Tests, imported orders, and orders whose handlers haven't
    begun aren't among them.
    """
    try:
        saved = datetime.fromtimestamp(Path(handler.file).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return ()
    decided = [decided for decided, event in EVENTS.items() if event in handler.events]
    rows = exists().where(HandlerRow.order_pk == OrderRow.id)
    found = (
        select(OrderRow.id)
        .where(
            OrderRow.received_at >= max(saved, now - LONGEST),
            OrderRow.test.is_(False),
            OrderRow.state.in_(_HAVE_RUN),
            OrderRow.decided.in_(decided),
            OrderRow.order.is_not(None),
            OrderRow.proof != IMPORTED,
            rows,
            ~rows.where(HandlerRow.name == handler.name),
        )
        .order_by(OrderRow.id)
        .limit(MOST)
    )
    return [receipt_of(pk) for pk in session.scalars(found)]
