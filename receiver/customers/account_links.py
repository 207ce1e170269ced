"""The emailed links by which customers choose a password: each works once, for seven days, for one customer."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from receiver.orders.email_addresses import normalised
from receiver.orders.idempotency import digest
from receiver.storage.account_models import AccountRow
from receiver.storage.columns import table_of, upsert
from receiver.storage.models import CustomerRow

#: How long a link works.
LASTS = timedelta(days=7)
#: A customer gets a new link at most this often, unless the last one was used.
EVERY = timedelta(hours=1)
_SALT = "receiver account link"
_CUSTOMERS, _ACCOUNTS = table_of(CustomerRow), table_of(AccountRow)
# Asked for each order: so it's made once, and reads no more than it needs.
_FIND = (
    select(*(_CUSTOMERS.c[name] for name in ("id", "email", "registered_at", "claimed_at")))
    .add_columns(_ACCOUNTS.c.password_hash, _ACCOUNTS.c.link_made_at)
    .outerjoin(_ACCOUNTS, _ACCOUNTS.c.customer_pk == _CUSTOMERS.c.id)
    .where(_CUSTOMERS.c.email == bindparam("its_email"))
)
_ADD = upsert(table_of(AccountRow))
_NOTE = _ADD.on_conflict_do_update(index_elements=["customer_pk"], set_={"link_made_at": _ADD.excluded.link_made_at})
#: What it finds: the columns of a customer and of their account, which are null without one.
_Found = Row[Any]


class LinkRefused(Exception):
    """Raised with the reason why a link doesn't work; ``is_used`` when it was used already."""

    def __init__(self, words: str, *, is_used: bool = False) -> None:
        super().__init__(words)
        self.is_used = is_used


class AccountLinks:
    """The account links: each is bound to email and password, and stops working when either changes."""

    def __init__(self, *, secret_key: str, public_url: str, is_on: bool) -> None:
        #: Whether customers have accounts here.
        self.is_on = is_on and bool(secret_key)
        self._serializer = URLSafeTimedSerializer(
            secret_key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )
        self._base = public_url.rstrip("/")

    def for_new_customer(self, session: Session, email: str, *, now: datetime) -> tuple[str, int] | None:
        """Return the URL by which a customer without a password claims the account, and the customer's id.

        None when none is due. This only reads: have it noted.
        """
        found = session.execute(_FIND, {"its_email": normalised(email)}).one_or_none()
        if not self.is_on or found is None or found.claimed_at is not None:
            return None
        url = self._due(found, found, now=now)
        return (url, found.id) if url else None

    def fresh(self, session: Session, customer: CustomerRow, *, now: datetime) -> str | None:
        """Return a new URL, noted in the caller's transaction; None if one was made in the last hour."""
        if url := self._due(customer, session.get(AccountRow, customer.id), now=now):
            note(session, customer.id, made_at=now)
        return url

    def _due(self, customer: CustomerRow | _Found, account: AccountRow | _Found | None, *, now: datetime) -> str | None:
        if account is not None and account.link_made_at is not None and account.link_made_at > now - EVERY:
            return None
        return f"{self._base}/account/claim/{self._serializer.dumps([customer.id, _state(customer, account)])}"

    def owner(self, session: Session, token: str) -> CustomerRow:
        """Return the customer that a link is for. Raises LinkRefused if it's broken, too old or already used."""
        try:
            pk, state = self._serializer.loads(token, max_age=int(LASTS.total_seconds()))
        except SignatureExpired:
            raise LinkRefused("This link is more than 7 days old.") from None
        except (BadSignature, ValueError, TypeError):
            raise LinkRefused("This link is incomplete. Copy all of it from the email.") from None
        customer = session.get(CustomerRow, pk)
        account = session.get(AccountRow, pk)
        if customer is None or account is None:
            raise LinkRefused("This link is for an account that no longer exists.")
        if _state(customer, account) != state:
            raise LinkRefused("This link was already used, or the password has changed since.", is_used=True)
        return customer


def note(session: Session, customer_pk: int, *, made_at: datetime) -> None:
    """Note when a link was made, so that the next one comes an hour later at the earliest."""
    session.execute(_NOTE, {"customer_pk": customer_pk, "link_made_at": made_at})


def _state(customer: CustomerRow | _Found, account: AccountRow | _Found | None) -> str:
    """Return a digest of what a link is bound to. It reveals neither the email nor the password's hash."""
    password = account.password_hash if account is not None else None
    bound = f"{customer.email}\n{customer.registered_at.isoformat()}\n{password or ''}"
    return digest(bound)[:32]
