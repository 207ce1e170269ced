"""The console and the relay: sign-ins, mapped fields, the Order Control and its transmissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the schema to this version."""
    op.create_table(
        "console_sessions",
        sa.Column("token_digest", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name="pk_console_sessions"),
    )
    op.create_table(
        "mapped_fields",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "field", name="pk_mapped_fields"),
    )
    op.create_table(
        "order_control",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("sends_secret_field", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_order_control"),
    )
    op.create_table(
        "order_control_secrets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_order_control_secrets"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_failures"),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_failures_at", ["at"], unique=False)

    op.create_table(
        "transmissions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("order", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_transmissions"),
        sa.UniqueConstraint("event_id", name="uq_transmissions_event_id"),
    )
    with op.batch_alter_table("transmissions", schema=None) as batch_op:
        batch_op.create_index("ix_transmissions_due", ["due_at"], unique=False, sqlite_where=sa.text("state = 'open'"))
        batch_op.create_index("ix_transmissions_order_id", ["order_id"], unique=False)
        batch_op.create_index("ix_transmissions_state", ["state", "id"], unique=False)

    op.create_table(
        "transmission_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transmission_pk", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("headers_sent", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("tls", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transmission_pk"],
            ["transmissions.id"],
            name="fk_transmission_attempts_transmission_pk_transmissions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transmission_attempts"),
    )
    with op.batch_alter_table("transmission_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_transmission_attempts_transmission_pk", ["transmission_pk"], unique=False)

    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.create_index("ix_mails_counted", ["created_at", "test", "state"], unique=False)
        batch_op.create_index("ix_mails_state", ["state", "id"], unique=False)

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_counted", ["received_at", "test", "state", "copies"], unique=False)
