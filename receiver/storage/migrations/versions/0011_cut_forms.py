"""Forms that may have been cut are held back, and a source may have options that the console saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from receiver.storage.columns import Instant

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the mark of a form that may have been cut, and the table of the sources' options."""
    op.add_column("orders", sa.Column("may_be_cut", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    held_back = sa.text("state = 'parked' AND may_be_cut")
    op.create_index("ix_orders_held_back", "orders", ["source"], sqlite_where=held_back)
    op.create_table(
        "source_options",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("option", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "option", name=op.f("pk_source_options")),
    )
