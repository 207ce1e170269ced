"""The customer accounts' table: passwords and links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import Base


class AccountRow(Base):
    """One customer's account, without a password until it's claimed."""

    __tablename__ = "accounts"

    customer_pk: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None]
    #: When the last link was made that nobody has used yet.
    link_made_at: Mapped[datetime | None]
