"""A table for alerts on their way to ALERT_URL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the table with its indexes."""
    op.create_table(
        "alert_posts",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("order_pk", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_pk"], ["orders.id"], name="fk_alert_posts_order_pk_orders", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_posts"),
        sa.UniqueConstraint("webhook_id", name="uq_alert_posts_webhook_id"),
    )
    op.create_index("ix_alert_posts_order_pk", "alert_posts", ["order_pk"])
    op.create_index("ix_alert_posts_due", "alert_posts", ["due_at", "id"])
    leased = sa.text("lease_until IS NOT NULL")
    op.create_index(
        "ix_alert_posts_leased", "alert_posts", ["lease_until"], sqlite_where=leased, postgresql_where=leased
    )
