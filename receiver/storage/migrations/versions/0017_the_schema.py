"""The schema of release 1.0.0, whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "administrator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_administrator"),
    )
    op.create_table(
        "clock_jumps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gap", sa.BigInteger(), nullable=False),
        sa.Column("off", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("believed", sa.Boolean(), nullable=False),
        sa.Column("hours_left", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("transmissions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clock_jumps"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("accepts_marketing", sa.Boolean(), nullable=False),
        sa.Column("consent_at", sa.BigInteger(), nullable=True),
        sa.Column("consent_source", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_order_date", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.UniqueConstraint("email", name="uq_customers_email"),
        sqlite_autoincrement=True,
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
        "notices",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("mailed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", name="pk_notices"),
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
        "orders",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("decided", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("total", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("fields_digest", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=True),
        sa.Column("may_be_cut", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("held_card_data", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("order", sa.Text(), nullable=True),
        sa.Column("errors", sa.Text(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=True),
        sa.Column("webhook_timestamp", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("differing_copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("same_id_as", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("source", "key", name="uq_orders_source"),
    )
    op.create_index("ix_orders_counted", "orders", ["received_at", "test", "state", "copies"])
    op.create_index("ix_orders_due", "orders", ["due_at"], sqlite_where=sa.text("state = 'open'"))
    op.create_index(
        "ix_orders_duplicate_of", "orders", ["duplicate_of"], sqlite_where=sa.text("duplicate_of IS NOT NULL")
    )
    op.create_index("ix_orders_email", "orders", ["email"])
    op.create_index(
        "ix_orders_held_back", "orders", ["source"], sqlite_where=sa.text("state = 'parked' AND may_be_cut")
    )
    op.create_index("ix_orders_held_card_data", "orders", ["id"], sqlite_where=sa.text("held_card_data"))
    op.create_index("ix_orders_leased", "orders", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL"))
    op.create_index("ix_orders_order_id", "orders", ["order_id"])
    op.create_index("ix_orders_parked", "orders", ["id"], sqlite_where=sa.text("state = 'parked'"))
    op.create_index("ix_orders_same_id_as", "orders", ["same_id_as"], sqlite_where=sa.text("same_id_as IS NOT NULL"))
    op.create_table(
        "processes",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("handlers", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_processes"),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refusals_reason", "refusals", ["reason", "id"])
    op.create_table(
        "shared_secrets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("accepts", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("signs", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shared_secrets"),
    )
    op.create_index("ix_shared_secrets_fingerprint", "shared_secrets", ["fingerprint"])
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
    op.create_index("ix_sign_in_attempts_account", "sign_in_attempts", ["account", "at"])
    op.create_index("ix_sign_in_attempts_address", "sign_in_attempts", ["address", "at"])
    op.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
    op.create_table(
        "sign_in_turns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_turns"),
    )
    op.create_table(
        "source_options",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("option", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "option", name="pk_source_options"),
    )
    op.create_table(
        "transmissions",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("order", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_transmissions"),
        sa.UniqueConstraint("event_id", name="uq_transmissions_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transmissions_due", "transmissions", ["state", "due_at", "id"])
    op.create_index(
        "ix_transmissions_leased", "transmissions", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL")
    )
    op.create_index("ix_transmissions_order_id", "transmissions", ["order_id"])
    op.create_index("ix_transmissions_state", "transmissions", ["state", "id"])
    op.create_table(
        "upkeep",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("beats", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("suspended_hours", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("transmissions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upkeep"),
    )
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
        "customer_addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_pk", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("line1", sa.Text(), nullable=True),
        sa.Column("line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_pk"], ["customers.id"], name="fk_customer_addresses_customer_pk_customers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_customer_addresses"),
        sa.UniqueConstraint("customer_pk", "kind", "digest", name="uq_customer_addresses_customer_pk"),
    )
    op.create_table(
        "handler_once",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("order_pk", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_pk"], ["orders.id"], name="fk_handler_once_order_pk_orders", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_handler_once"),
        sa.UniqueConstraint("handler", "digest", name="uq_handler_once_handler"),
    )
    op.create_index("ix_handler_once_order_pk", "handler_once", ["order_pk"])
    op.create_table(
        "mails",
        sa.Column("order_pk", sa.Integer(), nullable=True),
        sa.Column("handler", sa.Text(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["order_pk"], ["orders.id"], name="fk_mails_order_pk_orders", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("message_id", name="uq_mails_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_counted", "mails", ["created_at", "test", "state"])
    op.create_index("ix_mails_due", "mails", ["state", "due_at", "id"])
    op.create_index("ix_mails_leased", "mails", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL"))
    op.create_index("ix_mails_order_pk", "mails", ["order_pk"])
    op.create_index("ix_mails_state", "mails", ["state", "id"])
    op.create_table(
        "order_handlers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_pk", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_pk"], ["orders.id"], name="fk_order_handlers_order_pk_orders", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_order_handlers"),
        sa.UniqueConstraint("order_pk", "name", name="uq_order_handlers_order_pk"),
    )
    op.create_index(
        "ix_order_handlers_failed", "order_handlers", ["changed_at"], sqlite_where=sa.text("state = 'failed'")
    )
    op.create_table(
        "registrations",
        sa.Column("customer_pk", sa.Integer(), nullable=False),
        sa.Column("wanted_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_pk"], ["customers.id"], name="fk_registrations_customer_pk_customers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
        sa.UniqueConstraint("customer_pk", name="uq_registrations_customer_pk"),
    )
    op.create_index("ix_registrations_due", "registrations", ["due_at"], sqlite_where=sa.text("state = 'open'"))
    op.create_index(
        "ix_registrations_failed", "registrations", ["changed_at"], sqlite_where=sa.text("state = 'failed'")
    )
    op.create_index(
        "ix_registrations_leased", "registrations", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL")
    )
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
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transmission_attempts_transmission_pk", "transmission_attempts", ["transmission_pk"])
    op.create_table(
        "handler_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handler_pk", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["handler_pk"],
            ["order_handlers.id"],
            name="fk_handler_attempts_handler_pk_order_handlers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_handler_attempts"),
    )
    op.create_index("ix_handler_attempts_handler_pk", "handler_attempts", ["handler_pk"])
