"""The tables of customer accounts and of signing in: passwords, registrations with the website, sign-ins, guesses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base, Job, partial_index


class AccountRow(Base):
    """One customer's account, without a password until it's claimed."""

    __tablename__ = "accounts"

    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None]
    #: When the last link was made that nobody has used yet.
    link_made_at: Mapped[datetime | None]


class RegistrationRow(Job, Base):
    """One customer's registration with the website, and its job. States: open, done, failed.

    There's one for each customer, so no two runs work for one customer at a time.
    """

    __tablename__ = "registrations"

    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), unique=True)
    #: When it was last asked for; grows each time, so that a run sees whether it had the newest data.
    wanted_at: Mapped[datetime]
    #: Of the data that the website was last given.
    digest: Mapped[str | None]
    detail: Mapped[str | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        partial_index("ix_registrations_due", "due_at", where="state = 'open'"),
        partial_index("ix_registrations_leased", "lease_until", where="lease_until IS NOT NULL"),
        partial_index("ix_registrations_failed", "changed_at", where="state = 'failed'"),
    )


class SignInRow(Base):
    """One sign-in; without its row a cookie opens nothing."""

    __tablename__ = "sign_ins"

    #: SHA-256 of the token in the cookie, as hex.
    token_digest: Mapped[str] = mapped_column(primary_key=True)
    #: What it opens: "console" or "account".
    kind: Mapped[str]
    #: Null for the console's administrator.
    customer_pk: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    ends_at: Mapped[datetime]


class SignInAttemptRow(Base):
    """One wrong password, or one link asked for, kept to slow guessing down over all processes."""

    __tablename__ = "sign_in_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    #: What it would have opened: "console" or "account".
    kind: Mapped[str]
    #: Null for a known device's.
    address: Mapped[str | None]
    #: SHA-256 of the email that was tried, as hex; null in the console and where a link was asked for.
    account: Mapped[str | None]
    #: The known device that it came from; null for a stranger's.
    device: Mapped[str | None]

    __table_args__ = (
        Index("ix_sign_in_attempts_address", "address", "at"),
        Index("ix_sign_in_attempts_account", "account", "at"),
    )


class SignInTurnRow(Base):
    """The queue of strangers who sign in while many guess: when the next password is checked."""

    __tablename__ = "sign_in_turns"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
