"""Long queues of mails and transmissions: the next one that is due is found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Replace the indexes by which due jobs are found, and add those of leases and duplicates."""
    for table in ("mails", "transmissions"):
        op.drop_index(f"ix_{table}_due", table)
        op.create_index(f"ix_{table}_due", table, ["state", "due_at", "id"])
    op.create_index(
        "ix_transmissions_leased", "transmissions", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL")
    )
    op.create_index(
        "ix_orders_duplicate_of", "orders", ["duplicate_of"], sqlite_where=sa.text("duplicate_of IS NOT NULL")
    )
