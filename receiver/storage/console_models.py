"""The console's tables: sign-ins, wrong passwords, and whose turn it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base


class SessionRow(Base):
    """Is one sign-in to the console; without its row a cookie opens nothing."""

    __tablename__ = "console_sessions"

    #: SHA-256 of the token in the cookie, as hex.
    token_digest: Mapped[str] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class SignInFailureRow(Base):
    """Is one wrong password, kept to slow guessing down over all processes."""

    __tablename__ = "sign_in_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    #: Null for a known device's.
    address: Mapped[str | None]
    #: The known device that it came from; null for a stranger's.
    device: Mapped[str | None]


class SignInTurnRow(Base):
    """Is the one queue of strangers while many of them guess: when the next password is looked at."""

    __tablename__ = "sign_in_turns"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
