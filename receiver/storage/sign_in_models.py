"""The tables of signing in to the console and to customer accounts: sign-ins, attempts that count, whose turn it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base


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
    """The one queue of strangers while many of them guess: when the next password is looked at."""

    __tablename__ = "sign_in_turns"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
