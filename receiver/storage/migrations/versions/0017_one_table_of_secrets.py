"""One table of shared secrets: those that this receiver accepts, and those that the Order Control signs with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

#: A secret that the receiver was given by the Order Control and still accepts.
_GIVEN = """
    SELECT given.id FROM shared_secrets AS given JOIN order_control_secrets AS own USING (fingerprint)
    WHERE given.name = 'order control' AND given.ends_at IS own.ends_at
"""


def upgrade() -> None:
    """Say of each secret what it is for, and move the Order Control's; one that was given becomes one row."""
    op.add_column("shared_secrets", sa.Column("accepts", sa.Boolean(), server_default=sa.text("1"), nullable=False))
    op.add_column("shared_secrets", sa.Column("signs", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.execute(f"CREATE TEMP TABLE given AS {_GIVEN}")
    op.execute(
        """
        INSERT INTO shared_secrets (name, ciphertext, fingerprint, created_at, ends_at, accepts, signs)
        SELECT 'order control', ciphertext, fingerprint, created_at, ends_at,
            fingerprint IN (SELECT fingerprint FROM shared_secrets WHERE id IN (SELECT id FROM given)), 1
        FROM order_control_secrets ORDER BY id
        """
    )
    op.execute("DELETE FROM shared_secrets WHERE id IN (SELECT id FROM given)")
    op.execute("DROP TABLE given")
    op.drop_table("order_control_secrets")
