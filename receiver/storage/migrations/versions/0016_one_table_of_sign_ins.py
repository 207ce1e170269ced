"""One table of sign-ins and one of attempts, for the console and the customer accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the two tables, keep the sign-ins that are alive, and drop the four tables before them."""
    op.create_table(
        "sign_ins",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer_pk", sa.Integer(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_pk"], ["customers.id"], name="fk_sign_ins_customer_pk_customers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_digest", name="pk_sign_ins"),
    )
    op.create_index("ix_sign_ins_customer_pk", "sign_ins", ["customer_pk"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
    op.create_index("ix_sign_in_attempts_address", "sign_in_attempts", ["address", "at"])
    op.create_index("ix_sign_in_attempts_account", "sign_in_attempts", ["account", "at"])
    op.execute("INSERT INTO sign_ins SELECT token_digest, 'console', NULL, ends_at FROM console_sessions")
    op.execute("INSERT INTO sign_ins SELECT token_digest, 'account', customer_pk, ends_at FROM account_sessions")
    for table in ("console_sessions", "account_sessions", "sign_in_failures", "account_attempts"):
        op.drop_table(table)
