"""The handlers' contract: orders that are forwarded, and what a handler does once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the schema to this version."""
    op.add_column("transmissions", sa.Column("target", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "handler_once",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("order_pk", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_pk"], ["orders.id"], name="fk_handler_once_order_pk_orders", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_handler_once"),
        sa.UniqueConstraint("handler", "digest", name="uq_handler_once_handler"),
    )
    op.create_index("ix_handler_once_order_pk", "handler_once", ["order_pk"], unique=False)
