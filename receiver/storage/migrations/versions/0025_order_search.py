"""The texts by which orders are found; the worker writes those of the orders that are there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add their table, which is empty."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "order_search",
        sa.Column("id", number, sa.ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
        sa.Column("text", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")),
        sa.PrimaryKeyConstraint("id", name="pk_order_search"),
    )
    unwritten = sa.text("text IS NULL")
    op.create_index(
        "ix_order_search_unwritten", "order_search", ["id"], sqlite_where=unwritten, postgresql_where=unwritten
    )
