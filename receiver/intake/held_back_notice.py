"""What the merchant is told of forms that are held back: those whose whole retry has not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.intake.held_back import HOW_TO_KNOW_THE_END
from receiver.mail.notices import Trouble
from receiver.storage.models import IS_HELD_BACK, OrderRow

#: How long the whole one is waited for: a sender that hears no answer soon sends again.
_PATIENCE = timedelta(minutes=10)


def _newest(session: Session) -> int:
    waited_for = OrderRow.received_at < datetime.now(UTC) - _PATIENCE
    return session.scalar(select(func.max(OrderRow.id)).where(IS_HELD_BACK, waited_for)) or 0


HELD_BACK = Trouble(
    kind="order_held_back",
    newest=_newest,
    headline="An order may be incomplete",
    lines=(
        "It's a form sent in chunks without a Content-Length, so we can't tell whether all of it arrived.",
        "It's parked, its handlers haven't run, and no complete copy has arrived since.",
        HOW_TO_KNOW_THE_END,
        "See it in the console under Received → Parked: run it as is, or accept chunked forms from its source.",
    ),
)
