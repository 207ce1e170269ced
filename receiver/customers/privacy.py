"""What is kept of one person: give it to them, or erase it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.orm import Session, selectinload

from receiver.customers import csv_erasure, export_rows, purging, unread_orders
from receiver.customers.purging import SETTLED_ORDER, Purged
from receiver.errors import NotThere
from receiver.mail.transport import MailTransport
from receiver.orders.email_addresses import normalised
from receiver.storage.database import Database
from receiver.storage.models import AddressRow, CustomerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

Row = TypeVar("Row")


@dataclass(frozen=True)
class Kept:
    """Counts of what is stored about a person, and of what an erasure must leave for now."""

    email: str
    is_registered: bool
    addresses: int
    #: Settled orders whose bodies an erasure takes away, and those that are still worked on.
    orders: int
    open_orders: int
    mails: int
    #: Transmissions that an erasure takes away, held and waiting ones too, and those that are being sent now.
    transmissions: int
    open_transmissions: int
    #: Orders that were never read, parked or dismissed, and name the person.
    unread: int
    csv_rows: int


def kept(session: Session, email: str, csv_file: str = "") -> Kept:
    """Count what is kept of the person with this e-mail; raises NotThere when it is nothing."""
    email = normalised(email)
    return _counted(session, email, _transmissions(session, email), csv_file)


def _counted(session: Session, email: str, sent: dict[int, bool], csv_file: str = "") -> Kept:
    """Count, given which of their transmissions are being sent, which take the longest to find; raises NotThere."""
    customer = session.scalar(select(CustomerRow.id).where(CustomerRow.email == email))
    addresses = select(func.count()).where(AddressRow.customer_pk == customer)
    still_open = select(func.count()).where(OrderRow.email == email, OrderRow.state == "open")
    found = Kept(
        email=email,
        is_registered=customer is not None,
        addresses=session.scalar(addresses) or 0,
        orders=len(_orders(session, email)),
        open_orders=session.scalar(still_open) or 0,
        mails=len(_mails(session, email)),
        transmissions=sum(not is_held for is_held in sent.values()),
        open_transmissions=sum(sent.values()),
        unread=len(unread_orders.naming(session, email)),
        csv_rows=csv_erasure.count(csv_file, email),
    )
    if not any(number for name, number in vars(found).items() if name not in {"email", "addresses"}):
        raise NotThere(f"Nothing is stored about {email[:254]}. See `flask customers list`.")
    return found


def consequences(kept: Kept) -> list[str]:
    """Return a line each about what an erasure removes, keeps, and must leave for now."""
    removed = [
        "the customer's details and consent" if kept.is_registered else "",
        _count(kept.addresses, "address", "addresses"),
        f"the contents of {_count(kept.orders, 'order', 'orders')}" if kept.orders else "",
        f"{_count(kept.mails, 'mail', 'mails')} with any files in the outbox folder" if kept.mails else "",
        _count(kept.transmissions, "transmission", "transmissions"),
        _count(kept.unread, "parked or dismissed order", "parked or dismissed orders"),
        f"the person in {_count(kept.csv_rows, 'row', 'rows')} of the CSV file" if kept.csv_rows else "",
    ]
    lines = [f"Removed permanently: {', '.join(filter(None, removed)) or 'nothing yet'}."]
    if kept.orders:
        lines.append("Kept for the books: order numbers, dates, amounts and states, without personal data.")
    left = [
        _count(kept.open_orders, "order", "orders"),
        _count(kept.open_transmissions, "transmission", "transmissions"),
    ]
    if any(left):
        said = ", ".join(filter(None, left))
        lines.append(f"Left for now: {said}, still in progress. Erase again once that's done.")
    return [*lines, "Not erased: earlier backups, and data already sent to your website, chat or other servers."]


def export(session: Session, email: str) -> dict[str, Any]:
    """Return all that is kept of a person, for them to read; raises NotThere when it is nothing."""
    email = normalised(email)
    sent = _transmissions(session, email)
    _counted(session, email, sent)
    customer = session.scalar(select(CustomerRow).where(CustomerRow.email == email))
    orders = session.scalars(select(OrderRow).where(OrderRow.email == email).order_by(OrderRow.id))
    unread = _rows(session, select(OrderRow), OrderRow.id, unread_orders.naming(session, email))
    mails = _rows(session, select(MailRow), MailRow.id, _recipients(session, email))
    with_trail = select(TransmissionRow).options(selectinload(TransmissionRow.trail))
    transmissions = _rows(session, with_trail, TransmissionRow.id, sent)
    return {
        "email": email,
        "customer": export_rows.customer(customer) if customer else None,
        "orders": [export_rows.order(row) for row in orders],
        "unread_orders": [export_rows.unread(row) for row in unread],
        "mails": [export_rows.mail(row) for row in mails],
        "transmissions": [export_rows.transmission(row) for row in transmissions],
    }


def erase(database: Database, transport: MailTransport, email: str, csv_file: str = "") -> Purged:
    """Erase the customer and all that settled orders, their mails and transmissions hold of them.

    The orders stay in the books, with id, date, amounts and state. What is still worked on stays until it is
    settled and this is done again; so does the order of a mail that is being sent, by which that mail is found.
    Raises NotThere when nothing is kept of them.
    """
    with database.read() as session:
        email = normalised(email)
        transmissions = _transmissions(session, email)
        _counted(session, email, transmissions, csv_file)
        orders, mails = _orders(session, email), _mails(session, email)
        unread = unread_orders.naming(session, email)
    csv_erasure.blank(csv_file, email)  # first: when that fails, nothing is erased yet
    total = Purged()
    for batches in (
        purging.remove_mails(database, transport, mails),
        purging.remove_transmissions(database, list(transmissions)),
        unread_orders.empty(database, unread),
        purging.empty_orders(database, orders, ~OrderRow.mails.any(), email=None),
    ):
        total = sum(batches, total)
    with database.write() as session:
        session.execute(delete(CustomerRow).where(CustomerRow.email == email))
    database.empty_log()
    return total


def _orders(session: Session, email: str) -> list[int]:
    return list(session.scalars(select(OrderRow.id).where(OrderRow.email == email, OrderRow.state.in_(SETTLED_ORDER))))


def _mails(session: Session, email: str) -> list[int]:
    """Find the mails of their settled orders, to whomever, and those to them that belong to no order."""
    of_orders = select(MailRow.id).join(OrderRow).where(OrderRow.email == email, OrderRow.state.in_(SETTLED_ORDER))
    return [*session.scalars(of_orders), *_recipients(session, email, MailRow.order_pk.is_(None))]


def _recipients(session: Session, email: str, *conditions: ColumnElement[bool]) -> list[int]:
    """Find the mails to them; SQLite's own lower() knows no letter outside ASCII."""
    found = session.execute(select(MailRow.id, MailRow.recipient).where(*conditions))
    return [pk for pk, recipient in found if normalised(recipient) == email]


def _rows(session: Session, statement: Select[Row], column: Any, ids: Iterable[int]) -> Iterator[Row]:
    """Read the rows with these ids, a batch at a time: SQLite takes so many variables only."""
    for batch in purging.batches(sorted(ids)):
        yield from session.scalars(statement.where(column.in_(batch)).order_by(column))


def _transmissions(session: Session, email: str) -> dict[int, bool]:
    """Return the transmissions of their orders by id, and whether each is being sent now."""
    mail = func.json_extract(TransmissionRow.order, "$.customer.email")
    found = select(TransmissionRow.id, TransmissionRow.state, TransmissionRow.lease_until, mail)
    return {
        pk: state == "open" and until is not None
        for pk, state, until, text in session.execute(found.where(mail.is_not(None)))
        if normalised(text) == email
    }


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
