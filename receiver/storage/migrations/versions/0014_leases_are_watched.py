"""Leases that every process watches: those that stand are found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the index that transmissions have to the other jobs."""
    for table in ("orders", "mails", "registrations"):
        op.create_index(f"ix_{table}_leased", table, ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL"))
