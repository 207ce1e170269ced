"""Tell of card data that came with orders and was not kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding
from receiver.intake.card_data_notice import newest_order
from receiver.mail.text_layout import plain_line

_NOTES_SHOWN = 3


def card_data(kit: Kit) -> Iterator[Finding]:
    """Name the newest order that card data came with, and the fields it was in."""
    with kit.database.read() as session:
        order = newest_order(session, datetime.now(UTC))
    if order is None:
        yield Finding("card data", "ok", "none in any order in the last 24 h")
        return
    notes = "; ".join(json.loads(order.notes)[:_NOTES_SHOWN])
    text = f"{order.receipt} contained some, which wasn't stored: {notes}. Ask the sender to leave that out"
    yield Finding("card data", "warning", plain_line(text))
