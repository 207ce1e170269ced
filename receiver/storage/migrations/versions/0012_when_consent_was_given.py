"""When a customer's consent was given or taken away, and by what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; of a consent from before nobody knows either."""
    op.add_column("customers", sa.Column("consent_at", sa.BigInteger(), nullable=True))
    op.add_column("customers", sa.Column("consent_source", sa.Text(), nullable=True))
