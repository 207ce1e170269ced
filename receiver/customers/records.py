"""Customers, keyed by normalised email, and what an order may change of one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, false, func, select
from sqlalchemy.orm import Session, make_transient_to_detached

from receiver.orders import Address, Order
from receiver.orders.email_addresses import normalised
from receiver.orders.folding import folded
from receiver.orders.idempotency import digest
from receiver.orders.states import COMPLETED
from receiver.storage import pages
from receiver.storage.columns import larger, table_of, upsert
from receiver.storage.models import AddressRow, CustomerRow, OrderRow
from receiver.storage.search.text import of_customer

_COMPLETED = OrderRow.decided == COMPLETED, OrderRow.state.in_(("open", "done", "failed")), OrderRow.test.is_(False)
#: Words that are looked for.
_MOST_WORDS = 10
_DETAILS = ("first_name", "last_name", "company", "phone")
#: What the insert of a new customer has.
_APPLIED = (
    *("email", "registered_at", "applied_order_date", "locale", *_DETAILS),
    *("accepts_marketing", "consent_at", "consent_source", "found_by"),
)
# Made once: the write lock is held while they run, and to make a statement costs ten times as much as to run it.
_ADD = upsert(table_of(CustomerRow)).on_conflict_do_nothing().returning(table_of(CustomerRow).c.id)
# Locked, so that of two orders at once the second sees what the first has changed.
_FIND = select(CustomerRow).where(CustomerRow.email == bindparam("its_email")).with_for_update(key_share=True)
_FIND_ID = select(table_of(CustomerRow).c.id).where(table_of(CustomerRow).c.email == bindparam("its_email"))
_ADD_ADDRESS = upsert(table_of(AddressRow))
_USE_ADDRESS = _ADD_ADDRESS.on_conflict_do_update(
    index_elements=["customer_pk", "kind", "digest"],
    set_={"used_at": larger(AddressRow.used_at, _ADD_ADDRESS.excluded.used_at)},
)


def apply_order(session: Session, order: Order, *, now: datetime) -> tuple[CustomerRow, bool]:
    """Register or update the order's customer; returns the row and whether it's new.

    Needs ``order.customer.email``. Any number of parallel orders make one row: the insert decides, and the row
    is changed only afterwards. An order older than the one last applied fills empty fields only, and its address
    isn't the one used last. Once the customer has claimed the account, an order adds an address but changes nothing.
    An order only ever gives consent, never takes it away, and not if it's from before consent was taken away.
    """
    email = normalised(order.customer.email or "")
    customer = CustomerRow(email=email, registered_at=now, accepts_marketing=False)
    _update(customer, order)
    pk = session.scalar(_ADD, {name: getattr(customer, name) for name in _APPLIED})
    if pk is not None:
        customer.id = pk
        make_transient_to_detached(customer)
        session.add(customer)
    else:
        customer = session.scalars(_FIND, {"its_email": email}).one()
        if customer.claimed_at is None:
            _update(customer, order)
    for kind, address in (("billing", order.billing), ("shipping", order.shipping)):
        if address is not None:
            _add_address(session, customer, kind, address, order.order_date)
    return customer, pk is not None


def is_known(session: Session, email: str) -> bool:
    """Return whether there's a customer of this email, however it's written."""
    return session.scalar(_FIND_ID, {"its_email": normalised(email)}) is not None


def note_text(customer: CustomerRow) -> None:
    """Write down what the customer is found by, after a change."""
    name = " ".join(filter(None, (customer.first_name, customer.last_name)))
    customer.found_by = of_customer(customer.email, name, customer.company, customer.phone)


def newest(words: str = "", *, subscribed: bool = False, before: int | None = None) -> Select[CustomerRow]:
    """Select the customers, newest first: those that all words are found in, who want marketing emails, below an id."""
    holds = [CustomerRow.found_by.like(f"%{word}%") for word in folded(words).split()[:_MOST_WORDS]]
    none = [false()] if words and not holds else []
    return pages.newest(CustomerRow, *holds, *none, before=before, accepts_marketing=True if subscribed else None)


def set_consent(customer: CustomerRow, *, is_given: bool, at: datetime, source: str) -> None:
    """Set or withdraw the consent to marketing emails, and note when (UTC) and what did it."""
    customer.accepts_marketing, customer.consent_at, customer.consent_source = is_given, at, source


def order_counts(session: Session, *emails: str) -> Counter[str]:
    """Count the completed orders of the customers with these emails, or of all without any."""
    counted = select(OrderRow.email, func.count()).where(*_COMPLETED).group_by(OrderRow.email)
    if emails:
        counted = counted.where(OrderRow.email.in_(emails))
    return Counter({email: count for email, count in session.execute(counted) if email})


def listing(session: Session) -> list[dict[str, Any]]:
    """Return every customer, newest first, with the number of their completed orders."""
    counts = order_counts(session)
    return [
        {
            "email": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "registered_at": customer.registered_at.isoformat(),
            "orders": counts[customer.email],
            "claimed": customer.claimed_at is not None,
        }
        for customer in session.scalars(pages.newest(CustomerRow))
    ]


def orders_of(
    session: Session, customer: CustomerRow, *, completed: bool = False, before: int | None = None
) -> list[OrderRow]:
    """Return a page of the customer's orders, newest first, tests left out: those before an id, only completed ones."""
    theirs = pages.newest(OrderRow, email=customer.email, test=False, before=before).limit(pages.SIZE)
    return list(session.scalars(theirs.where(*_COMPLETED) if completed else theirs))


def _update(customer: CustomerRow, order: Order) -> None:
    is_newer = customer.applied_order_date is None or order.order_date >= customer.applied_order_date
    details = {name: getattr(order.customer, name) for name in _DETAILS} | {"locale": order.locale}
    for name, value in details.items():
        if value and (is_newer or not getattr(customer, name)):
            setattr(customer, name, value)
    if is_newer:
        customer.applied_order_date = order.order_date
    note_text(customer)
    is_later = customer.consent_at is None or order.order_date > customer.consent_at
    if order.customer.accepts_marketing and not customer.accepts_marketing and is_later:
        set_consent(customer, is_given=True, at=order.order_date, source=f"order {order.order_id}")


def _add_address(session: Session, customer: CustomerRow, kind: str, address: Address, used_at: datetime) -> None:
    parts = address.model_dump()
    key = {"customer_pk": customer.id, "kind": kind, "digest": digest(json.dumps(parts, ensure_ascii=False))}
    session.execute(_USE_ADDRESS, {**key, "used_at": used_at, **parts})
