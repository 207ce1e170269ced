"""The registrars' table: which customers the website is to be told of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base, Job


class RegistrationRow(Job, Base):
    """One customer's registration with the website, and its job. States: open, done, failed.

    There is one for each customer, so no two runs for one customer are at work at a time.
    """

    __tablename__ = "registrations"

    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), unique=True)
    #: When it was last asked for; grows with each time, so that a run can tell whether it had the newest data.
    wanted_at: Mapped[datetime]
    #: Of the data that the website was last told.
    digest: Mapped[str | None]
    detail: Mapped[str | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_registrations_due", "due_at", sqlite_where=sql("state = 'open'")),
        Index("ix_registrations_leased", "lease_until", sqlite_where=sql("lease_until IS NOT NULL")),
        Index("ix_registrations_failed", "changed_at", sqlite_where=sql("state = 'failed'")),
    )
