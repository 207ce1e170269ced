"""A table for the sources that were added in the console, and whose secrets are in ``shared_secrets``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add both; until now all sources were in ``config.toml``."""
    op.create_table(
        "saved_sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_saved_sources")),
    )
    op.add_column("shared_secrets", sa.Column("source", sa.Text(), nullable=True))
