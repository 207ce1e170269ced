"""Card data that came with an order: a mark on those, so that the merchant can be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the mark, and the index of the few that have it."""
    op.add_column("orders", sa.Column("held_card_data", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.create_index("ix_orders_held_card_data", "orders", ["id"], sqlite_where=sa.text("held_card_data"))
