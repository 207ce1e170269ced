"""Tell the merchant of orders that card data came with: it was not kept, and whoever sends it is to stop."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.mail.notices import EVERY, Trouble
from receiver.storage.models import OrderRow

# Written out, so that SQLite uses the index of these few.
_HELD_CARD_DATA = sql("held_card_data")


def newest_order(session: Session, now: datetime) -> OrderRow | None:
    """Return the newest order that card data came with, if it is less than a day old."""
    order = session.scalar(select(OrderRow).where(_HELD_CARD_DATA).order_by(OrderRow.id.desc()).limit(1))
    return order if order is not None and now - order.received_at < EVERY else None


def _newest_id(session: Session) -> int:
    newest = select(OrderRow.id).where(_HELD_CARD_DATA).order_by(OrderRow.id.desc())
    return session.scalar(newest.limit(1)) or 0


CAME_WITH_ORDER = Trouble(
    kind="card_data_dropped",
    newest=_newest_id,
    headline="An order arrived with card data, which wasn't stored",
    lines=(
        "The order is safe and was processed normally.",
        "Fields for card details were dropped, and card numbers cut to their last four digits.",
        "The order's notes name the fields. Find the order with: flask doctor, then: flask orders show RECEIPT",
        "Ask whoever sends the orders to leave these fields out.",
        "If it was one of your own numbers, it looks like a card number: see “Card data” in Help.",
    ),
    stands=lambda session, now: newest_order(session, now) is not None,
)
