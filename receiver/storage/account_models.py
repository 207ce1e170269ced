"""The customer accounts' tables: passwords and links, sign-ins, and attempts that are counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base


class AccountRow(Base):
    """Is one customer's account: without a password until it is claimed."""

    __tablename__ = "accounts"

    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None]
    #: When the last link was made that nobody has used yet.
    link_made_at: Mapped[datetime | None]


class AccountSessionRow(Base):
    """Is one sign-in of a customer; without its row a cookie opens nothing."""

    __tablename__ = "account_sessions"

    #: SHA-256 of the token in the cookie, as hex.
    token_digest: Mapped[str] = mapped_column(primary_key=True)
    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    ends_at: Mapped[datetime]


class AccountAttemptRow(Base):
    """Is one wrong password or one link asked for, kept to slow guessing down over all processes."""

    __tablename__ = "account_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    address: Mapped[str | None]
    #: SHA-256 of the e-mail that was tried, as hex; null where a link was asked for.
    account: Mapped[str | None]
    #: The customer's known device that it came from; null for a stranger's.
    device: Mapped[str | None]

    __table_args__ = (
        Index("ix_account_attempts_address", "address", "at"),
        Index("ix_account_attempts_account", "account", "at"),
    )
