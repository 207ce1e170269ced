"""The tables."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from receiver.orders.states import EVENTS
from receiver.storage.columns import NEVER_AGAIN, ZERO, Base, Job, partial_index, receipt_of

#: Whether an order is held back because it may be incomplete; written out, so that SQLite uses its index.
IS_HELD_BACK = sql("state = 'parked' AND may_be_cut")
#: Whether it's a later event of an order: a refund, a cancellation, a change. Written out likewise.
IS_LATER = sql("decided IN ('refunded', 'cancelled', 'updated')")
#: Whether it was never read: parked, or dismissed. Written out likewise.
IS_UNREAD = sql("(state = 'parked' OR (state = 'ignored' AND \"order\" IS NULL))")
#: Whether it's a test. Written out likewise.
IS_TEST = sql("test")


class OrderRow(Job, Base):
    """One verified POST as received, and the job of running its handlers.

    States: open, done, failed, parked, ignored, duplicate. ``fields`` holds the decoded fields in order as JSON
    pairs, secrets and card data removed; ``order`` the parsed order as JSON, null while parked.
    """

    __tablename__ = "orders"

    source: Mapped[str]
    key: Mapped[str]
    test: Mapped[bool]
    #: ``completed``, ``refunded``, ``cancelled``, ``updated``, or the word that makes it ignored; null once it was
    #: dismissed while it was parked.
    decided: Mapped[str | None]
    event_id: Mapped[str | None]
    order_id: Mapped[str | None] = mapped_column(index=True)
    email: Mapped[str | None] = mapped_column(index=True)
    total: Mapped[str | None]
    currency: Mapped[str | None]
    encoding: Mapped[str]
    fields: Mapped[str]
    fields_digest: Mapped[str]
    #: Of a body that couldn't be read: its bytes, without secrets and card data, encrypted under SECRET_KEY.
    body: Mapped[str | None]
    #: Digest of what makes two POSTs copies; null on a row that was purged before this column was there.
    content_digest: Mapped[str | None]
    #: Whether it came as a form in which nothing shows that it's whole.
    may_be_cut: Mapped[bool] = mapped_column(server_default=false(), default=False)
    notes: Mapped[str]
    #: Card data came with it, which was dropped or masked.
    held_card_data: Mapped[bool] = mapped_column(server_default=false(), default=False)
    order: Mapped[str | None]
    errors: Mapped[str | None]
    #: What isn't known of a parked order, by which such orders are grouped: see `receiver.intake.questions`.
    parked_as: Mapped[str | None]
    proof: Mapped[str]
    fingerprint: Mapped[str]
    webhook_id: Mapped[str | None]
    webhook_timestamp: Mapped[datetime | None]
    received_at: Mapped[datetime]
    copies: Mapped[int] = mapped_column(server_default=ZERO, default=0)
    differing_copies: Mapped[int] = mapped_column(server_default=ZERO, default=0)
    duplicate_of: Mapped[str | None]
    #: Id of the row that came first with the same event_id, webhook-id or made-up key, and says something else.
    same_id_as: Mapped[int | None]

    @property
    def receipt(self) -> str:
        """The name by which sender and merchant know this delivery."""
        return receipt_of(self.id)

    @property
    def event(self) -> str | None:
        """The event that handlers run on, such as ``order.completed``; None for what's only kept."""
        return EVENTS.get(self.decided or "")

    handlers: Mapped[list[HandlerRow]] = relationship(order_by="HandlerRow.position", viewonly=True)
    mails: Mapped[list[MailRow]] = relationship(order_by="MailRow.id", viewonly=True)

    __table_args__ = (
        UniqueConstraint("source", "key"),
        partial_index("ix_orders_due", "due_at", where="state = 'open'"),
        partial_index("ix_orders_leased", "lease_until", where="lease_until IS NOT NULL"),
        partial_index("ix_orders_parked", "id", where="state = 'parked'"),
        partial_index("ix_orders_parked_as", "source", "parked_as", where="state = 'parked'"),
        partial_index("ix_orders_held_back", "source", where=IS_HELD_BACK.text),
        partial_index("ix_orders_duplicate_of", "duplicate_of", where="duplicate_of IS NOT NULL"),
        partial_index("ix_orders_same_id_as", "same_id_as", where="same_id_as IS NOT NULL"),
        partial_index("ix_orders_later", "decided", "received_at", "test", "state", where=IS_LATER.text),
        partial_index("ix_orders_held_card_data", "id", where="held_card_data"),
        partial_index("ix_orders_not_read", "id", where=IS_UNREAD.text),
        partial_index("ix_orders_test", "test", where=IS_TEST.text),
        Index("ix_orders_counted", "received_at", "test", "state", "copies"),
        # All that a list is filtered by and sums up, in its order: the rows themselves are large.
        Index(
            "ix_orders_listed",
            *("id", "test", "state", "source", "decided", "received_at", "currency", "total"),
        ),
    )


class SearchRow(Base):
    """The text by which one order is found, which the worker writes; null until it writes it again."""

    __tablename__ = "order_search"

    id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    text: Mapped[str | None]

    __table_args__ = (partial_index("ix_order_search_unwritten", "id", where="text IS NULL"),)


class HandlerRow(Base):
    """One handler's result for one order. States: pending, done, skipped, retrying, failed."""

    __tablename__ = "order_handlers"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_pk: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    name: Mapped[str]
    position: Mapped[int]
    run: Mapped[int] = mapped_column(server_default=sql("1"), default=1)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=ZERO, default=0)
    waiting_since: Mapped[datetime]
    due_at: Mapped[datetime | None]
    detail: Mapped[str | None]
    milliseconds: Mapped[int | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("order_pk", "name"),
        partial_index("ix_order_handlers_failed", "changed_at", where="state = 'failed'"),
        # All that the page of handlers reads, or it would look up each row of a week.
        Index("ix_order_handlers_ran", "name", "changed_at", "state", "attempts", "order_pk"),
    )


class AttemptRow(Base):
    """One attempt of one handler on one order, kept as history."""

    __tablename__ = "handler_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    handler_pk: Mapped[int] = mapped_column(ForeignKey("order_handlers.id", ondelete="CASCADE"), index=True)
    run: Mapped[int]
    number: Mapped[int]
    state: Mapped[str]
    detail: Mapped[str | None]
    milliseconds: Mapped[int]
    at: Mapped[datetime]


class OnceRow(Base):
    """One key that a handler passed to ``context.once``, as its SHA-256, and its order."""

    __tablename__ = "handler_once"

    id: Mapped[int] = mapped_column(primary_key=True)
    handler: Mapped[str]
    digest: Mapped[str]
    order_pk: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("handler", "digest"),)


class MailRow(Job, Base):
    """One email of the outbox and the job of sending it. States: open, sent, failed."""

    __tablename__ = "mails"

    order_pk: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    handler: Mapped[str | None]
    test: Mapped[bool]
    message_id: Mapped[str] = mapped_column(unique=True)
    recipient: Mapped[str]
    reply_to: Mapped[str | None]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str | None]
    attachments: Mapped[str]
    detail: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        # Not partial, or SQLite would claim by the index of states and sort a long queue.
        Index("ix_mails_due", "state", "due_at", "id"),
        partial_index("ix_mails_leased", "lease_until", where="lease_until IS NOT NULL"),
        Index("ix_mails_state", "state", "id"),
        Index("ix_mails_counted", "created_at", "test", "state"),
        NEVER_AGAIN,
    )


class CustomerRow(Base):
    """One customer, keyed by normalised email."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    company: Mapped[str | None]
    phone: Mapped[str | None]
    locale: Mapped[str | None]
    accepts_marketing: Mapped[bool]
    #: When consent was last given or taken away, and by what: ``order A-1``, ``account page`` or ``merchant``.
    consent_at: Mapped[datetime | None]
    consent_source: Mapped[str | None]
    registered_at: Mapped[datetime]
    #: order_date of the order last applied; an older one fills empty fields only.
    applied_order_date: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    #: What a search looks into: see `receiver.storage.search.text`.
    found_by: Mapped[str | None]

    addresses: Mapped[list[AddressRow]] = relationship(order_by="AddressRow.id", viewonly=True)

    __table_args__ = NEVER_AGAIN


class AddressRow(Base):
    """One address that a customer has used; the digest keeps it from being stored twice."""

    __tablename__ = "customer_addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    kind: Mapped[str]
    digest: Mapped[str]
    name: Mapped[str | None]
    company: Mapped[str | None]
    line1: Mapped[str | None]
    line2: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str | None]
    postcode: Mapped[str | None]
    country: Mapped[str | None]
    used_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("customer_pk", "kind", "digest"),)


class SecretRow(Base):
    """One secret, encrypted under SECRET_KEY: the receiver's, the Order Control's, both's, or that of one source."""

    __tablename__ = "shared_secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    ciphertext: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    #: When it's retired. The row stays, so that a POST with a retired secret isn't taken for one with an unknown one.
    ends_at: Mapped[datetime | None]
    #: Whether a POST may be verified by it.
    accepts: Mapped[bool] = mapped_column(server_default=true(), default=True)
    #: Whether the Order Control signs with it.
    signs: Mapped[bool] = mapped_column(server_default=false(), default=False)
    #: The saved source whose POSTs it verifies; then it verifies no others, and the Order Control doesn't sign with it.
    source: Mapped[str | None]


class RefusalRow(Base):
    """One refused POST: the exact reason, and header and field names with sizes, never a value."""

    __tablename__ = "refusals"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    source: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    address: Mapped[str | None]
    headers: Mapped[str]
    fields: Mapped[str]

    __table_args__ = (Index("ix_refusals_reason", "reason", "id"), NEVER_AGAIN)


class QuarantineRow(Job, Base):
    """One POST that nobody has verified yet, and the job of asking its shop about it. It's always open.

    ``sent`` holds its fields, the headers and perhaps the bytes that are needed, encrypted under SECRET_KEY.
    """

    __tablename__ = "quarantine"

    source: Mapped[str]
    #: Of its bytes and headers, blinded: the same POST again is the same row.
    digest: Mapped[str]
    sent: Mapped[str]
    address: Mapped[str | None]
    received_at: Mapped[datetime]
    #: How often it came; one that came while it was asked about is asked about again.
    times: Mapped[int] = mapped_column(server_default=sql("1"), default=1)
    #: Why there was no answer the last time.
    detail: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("source", "digest"),
        Index("ix_quarantine_due", "due_at", "id"),
        partial_index("ix_quarantine_leased", "lease_until", where="lease_until IS NOT NULL"),
    )


class NoticeRow(Base):
    """The last notice of one kind of problem, so that the merchant gets one a day at most."""

    __tablename__ = "notices"

    kind: Mapped[str] = mapped_column(primary_key=True)
    last_seen: Mapped[int] = mapped_column(BigInteger)
    mailed_at: Mapped[datetime | None]


class MappedFieldRow(Base):
    """One mapping rule that the console saved; ``rule`` is JSON in the form that config.toml takes."""

    __tablename__ = "mapped_fields"

    source: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str]
    changed_at: Mapped[datetime]


class SourceOptionRow(Base):
    """One source option that the console saved; ``value`` is JSON in the form that config.toml takes."""

    __tablename__ = "source_options"

    source: Mapped[str] = mapped_column(primary_key=True)
    option: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[datetime]


class SavedSourceRow(Base):
    """One source that was added in the console or by a command; its secrets are in `shared_secrets`."""

    __tablename__ = "saved_sources"

    name: Mapped[str] = mapped_column(primary_key=True)
    #: JSON of its table in the form that config.toml takes, without its secrets.
    settings: Mapped[str]
    created_at: Mapped[datetime]


class AdministratorRow(Base):
    """The console's one administrator."""

    __tablename__ = "administrator"

    id: Mapped[int] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]
