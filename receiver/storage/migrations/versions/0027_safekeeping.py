"""When the database was last backed up, and whether its jobs are held after a restore."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the table, which is empty."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "safekeeping",
        sa.Column("id", number, nullable=False),
        sa.Column("backed_up_at", sa.BigInteger()),
        sa.Column("held_since", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_safekeeping"),
    )
