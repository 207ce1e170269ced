"""The customers' accounts: passwords, sign-ins, and attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("customer_pk", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("link_made_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_pk"], ["customers.id"], name="fk_accounts_customer_pk_customers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer_pk", name="pk_accounts"),
    )
    op.create_table(
        "account_sessions",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("customer_pk", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_pk"], ["customers.id"], name="fk_account_sessions_customer_pk_customers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_digest", name="pk_account_sessions"),
    )
    op.create_index("ix_account_sessions_customer_pk", "account_sessions", ["customer_pk"])
    op.create_table(
        "account_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_account_attempts"),
    )
    op.create_index("ix_account_attempts_address", "account_attempts", ["address", "at"])
    op.create_index("ix_account_attempts_account", "account_attempts", ["account", "at"])
