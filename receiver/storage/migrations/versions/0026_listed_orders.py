"""An index of all that a list of orders is filtered by and sums up, in the order of the list."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add it."""
    columns = ["id", "test", "state", "source", "decided", "received_at", "currency", "total"]
    op.create_index("ix_orders_listed", "orders", columns)
