"""Refunds and cancellations are events: an index of them, and those that were only kept before are named so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from receiver.orders.states import LATER, Words

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the index, and name what was ignored for such a word by its event; it stays ignored, so nothing runs."""
    orders = sa.table("orders", *(sa.column(name) for name in ("state", "decided")))
    ignored = orders.c.state == "ignored", orders.c.decided.is_not(None)
    words = Words()
    for (word,) in op.get_bind().execute(sa.select(orders.c.decided).where(*ignored).distinct()).all():
        event = words.meaning(word) or words.meaning_of_event(word)
        if event in LATER and event != word:
            op.execute(orders.update().where(*ignored, orders.c.decided == word).values(decided=event))
    where = sa.text("decided IN ('refunded', 'cancelled', 'updated')")
    columns = ["decided", "received_at", "test", "state"]
    op.create_index("ix_orders_later", "orders", columns, sqlite_where=where, postgresql_where=where)
