"""The relay's tables: the Order Control, the transmissions and their attempts, the alerts to post."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from receiver.storage.columns import NEVER_AGAIN, Base, Job, partial_index


class ControlRow(Base):
    """The Order Controls: whether orders are sent, where to and how."""

    __tablename__ = "order_control"

    id: Mapped[int] = mapped_column(primary_key=True)
    enabled: Mapped[bool]
    url: Mapped[str]
    #: ``form`` or ``json``.
    encoding: Mapped[str]
    sends_secret_field: Mapped[bool]
    changed_at: Mapped[datetime]
    #: When nothing but failure began; null after a success.
    failing_since: Mapped[datetime | None]
    #: Why the relay itself disabled it; null when a person did, or it's enabled.
    disabled_because: Mapped[str | None]


class TransmissionRow(Job, Base):
    """One order on its way to the merchant's server, or to one it's forwarded to, and the job of sending it.

    States: held, open, delivered, failed. ``order`` is the order as JSON. ``attempts`` counts those of the
    current schedule, which starts again when it's released or sent again; ``trail`` has them all.
    """

    __tablename__ = "transmissions"

    #: The order's event id; a forwarded one has its own, so that an event can go to several places.
    event_id: Mapped[str] = mapped_column(unique=True)
    #: The URL that a handler forwards to; empty means the Order Control's.
    target: Mapped[str] = mapped_column(server_default=sql("''"), default="")
    order_id: Mapped[str] = mapped_column(index=True)
    test: Mapped[bool]
    order: Mapped[str]
    detail: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    #: Newest first.
    trail: Mapped[list[TransmissionAttemptRow]] = relationship(
        order_by="TransmissionAttemptRow.id.desc()", viewonly=True
    )

    @property
    def last_attempt(self) -> TransmissionAttemptRow | None:
        """The newest attempt; None before the first."""
        return self.trail[0] if self.trail else None

    __table_args__ = (
        Index("ix_transmissions_due", "state", "due_at", "id"),
        partial_index("ix_transmissions_leased", "lease_until", where="lease_until IS NOT NULL"),
        Index("ix_transmissions_state", "state", "id"),
        NEVER_AGAIN,
    )


class TransmissionAttemptRow(Base):
    """One attempt of a transmission: what was sent where, and the response; holds no secret."""

    __tablename__ = "transmission_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    transmission_pk: Mapped[int] = mapped_column(ForeignKey("transmissions.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    url: Mapped[str]
    encoding: Mapped[str]
    outcome: Mapped[str]
    kind: Mapped[str]
    cause: Mapped[str]
    next_step: Mapped[str]
    milliseconds: Mapped[int]
    headers_sent: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[str]
    content_type: Mapped[str]
    address: Mapped[str | None]
    tls: Mapped[str | None]

    __table_args__ = NEVER_AGAIN


class AlertPostRow(Job, Base):
    """One alert on its way to ALERT_URL, and the job of posting it. It's always open: what's posted is deleted."""

    __tablename__ = "alert_posts"

    webhook_id: Mapped[str] = mapped_column(unique=True)
    body: Mapped[str]
    #: The order that it's about, with whose data it goes.
    order_pk: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)

    __table_args__ = (
        Index("ix_alert_posts_due", "due_at", "id"),
        partial_index("ix_alert_posts_leased", "lease_until", where="lease_until IS NOT NULL"),
    )
