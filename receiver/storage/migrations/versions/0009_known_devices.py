"""Known devices: each has a count of wrong passwords of its own, and strangers are looked at in turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the devices' columns, and the table of turns."""
    op.add_column("sign_in_failures", sa.Column("device", sa.Text(), nullable=True))
    op.add_column("account_attempts", sa.Column("device", sa.Text(), nullable=True))
    op.create_table(
        "sign_in_turns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_turns"),
    )
