"""A column for the bytes of bodies that couldn't be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the column; no body was kept before."""
    op.add_column("orders", sa.Column("body", sa.Text(), nullable=True))
