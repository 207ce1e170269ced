"""The upkeep's heartbeat, and the clock's jumps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ZERO = sa.text("0")


def _highest_ids() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in ("orders", "mails", "transmissions")]


def upgrade() -> None:
    """Add their tables."""
    op.create_table(
        "upkeep",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.Integer(), server_default=_ZERO, nullable=False),
        sa.Column("suspended_hours", sa.Integer(), server_default=_ZERO, nullable=False),
        *_highest_ids(),
        sa.PrimaryKeyConstraint("id", name="pk_upkeep"),
    )
    op.create_table(
        "clock_jumps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gap", sa.BigInteger(), nullable=False),
        sa.Column("off", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), server_default=_ZERO, nullable=False),
        sa.Column("believed", sa.Boolean(), nullable=False),
        *_highest_ids(),
        sa.PrimaryKeyConstraint("id", name="pk_clock_jumps"),
    )
