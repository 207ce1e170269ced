"""Find what is stored about one person, export it for them, or erase it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from receiver.customers import csv_erasure, export_rows, purging, unread_orders
from receiver.customers.purging import SETTLED_ORDER, Purged
from receiver.customers.registrars import registrations
from receiver.errors import NotThere
from receiver.mail.transport import MailTransport
from receiver.orders.email_addresses import normalised
from receiver.orders.idempotency import digest
from receiver.orders.states import LATER
from receiver.security import guesses
from receiver.storage.database import Database
from receiver.storage.json_columns import json_text
from receiver.storage.models import IS_UNREAD, AddressRow, CustomerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: Where the person stays, whatever is erased here.
ELSEWHERE = "earlier backups, your shop, its exports, mailboxes, and the chat and servers that orders were sent on to"

Row = TypeVar("Row", OrderRow, MailRow, TransmissionRow)


@dataclass(frozen=True)
class Kept:
    """What is stored about a person, by ids, and what an erasure must leave for now."""

    email: str
    is_registered: bool
    #: Number of the customer's addresses.
    addresses: int
    #: Settled orders, whose bodies an erasure takes away, and the number of those still in progress.
    orders: Sequence[int]
    open_orders: int
    #: Emails of their settled orders, to whomever, and those to them, unless they're of an order in progress.
    mails: Sequence[int]
    #: Transmissions that an erasure takes away, held and waiting ones too, and those being sent now.
    transmissions: Sequence[int]
    open_transmissions: Sequence[int]
    #: Orders that were never read, parked or dismissed, and name the person.
    unread: Sequence[int]
    #: Number of POSTs in quarantine that name the person.
    quarantined: int
    #: Whether your website is being given their data now.
    is_being_registered: bool
    #: Number of rows in the CSV file.
    csv_rows: int


def kept(session: Session, email: str, csv_file: str = "", *, secret_key: str) -> Kept:
    """Find what is stored about the person with this email; raises NotThere when it's nothing.

    ``secret_key`` is SECRET_KEY, under which bodies that couldn't be read are kept.
    """
    email = normalised(email)
    customer = session.scalar(select(CustomerRow.id).where(CustomerRow.email == email))
    addresses = select(func.count()).where(AddressRow.customer_pk == customer)
    settled = _is_theirs(email), SETTLED_ORDER
    still_open = session.scalars(select(OrderRow.id).where(_is_theirs(email), OrderRow.state == "open")).all()
    of_orders = session.scalars(select(MailRow.id).join(OrderRow).where(*settled))
    to_them = (pk for pk, order_pk in _mails_to(session, email) if order_pk not in still_open)
    transmissions = _transmissions(session, email)
    found = Kept(
        email=email,
        is_registered=customer is not None,
        addresses=session.scalar(addresses) or 0,
        orders=session.scalars(select(OrderRow.id).where(*settled)).all(),
        open_orders=len(still_open),
        mails=list(dict.fromkeys([*of_orders, *to_them])),
        transmissions=[pk for pk, is_being_sent in transmissions if not is_being_sent],
        open_transmissions=[pk for pk, is_being_sent in transmissions if is_being_sent],
        unread=unread_orders.naming(session, email, secret_key),
        quarantined=unread_orders.in_quarantine(session, email, secret_key),
        is_being_registered=bool(session.scalar(select(registrations.being_registered(customer)))),
        csv_rows=csv_erasure.count(csv_file, email),
    )
    if not any(value for name, value in vars(found).items() if name not in {"email", "addresses"}):
        raise NotThere(f"Nothing is stored about {email[:254]}. See `flask customers list`.")
    return found


def consequences(kept: Kept, website: str = "") -> list[str]:
    """Return a line each about what an erasure removes, keeps, and must leave for now.

    ``website`` says what it does on the website where customers are registered; empty without one.
    """
    removed = [
        "the customer's details and consent" if kept.is_registered else "",
        _count(kept.addresses, "address", "addresses"),
        _count(len(kept.orders), "order", said="the contents of {}"),
        _count(len(kept.mails), "email", said="{} with any files in the outbox folder"),
        _count(len(kept.transmissions), "transmission"),
        _count(len(kept.unread), "parked or dismissed order"),
        _count(kept.csv_rows, "row", said="the person in {} of the CSV file"),
    ]
    lines = [f"Removed permanently: {', '.join(filter(None, removed)) or 'nothing yet'}."]
    if kept.orders:
        lines.append("Kept for the books: order numbers, dates, amounts and states, without personal data.")
    left = [
        _count(kept.open_orders, "order"),
        _count(kept.quarantined, "order", said="{} in quarantine"),
        _count(len(kept.open_transmissions), "transmission"),
        _count(int(kept.is_being_registered), "registration", said="{} on your website"),
    ]
    if any(left):
        said = ", ".join(filter(None, left))
        lines.append(f"Left for now: {said}, still in progress. Erase again once that's done.")
    return [*lines, *filter(None, [website]), f"Not erased: {ELSEWHERE}."]


def export(session: Session, email: str, *, secret_key: str) -> dict[str, Any]:
    """Return all that is stored about a person, for them to read; raises NotThere when it's nothing."""
    found = kept(session, email, secret_key=secret_key)
    customer = session.scalar(select(CustomerRow).where(CustomerRow.email == found.email))
    orders = session.scalars(select(OrderRow).where(_is_theirs(found.email)).order_by(OrderRow.id))
    mails = _rows(session, MailRow, (pk for pk, _ in _mails_to(session, found.email)))
    sent = [*found.transmissions, *found.open_transmissions]
    transmissions = _rows(session, TransmissionRow, sent, selectinload(TransmissionRow.trail))
    return {
        "email": found.email,
        "customer": export_rows.customer(customer) if customer else None,
        "orders": [export_rows.order(row) for row in orders],
        "unread_orders": [
            export_rows.unread(row, unread_orders.text_of_body(row.body, secret_key))
            for row in _rows(session, OrderRow, found.unread)
        ],
        "mails": [export_rows.mail(row) for row in mails],
        "transmissions": [export_rows.transmission(row) for row in transmissions],
    }


def erase(database: Database, transport: MailTransport, email: str, csv_file: str = "", *, secret_key: str) -> Purged:
    """Erase the customer and all that settled orders, their emails and transmissions hold of them.

    The orders stay in the books, with id, date, amounts and state; a parked one is dismissed, since nothing is left
    to read. What is still in progress stays until it's settled and this is done again; so does the order of an
    email that is being sent, by which that email is found. Raises NotThere when nothing is stored about them.
    """
    with database.read() as session:
        found = kept(session, email, csv_file, secret_key=secret_key)
    csv_erasure.blank(csv_file, found.email)  # first: when that fails, nothing is erased yet
    total = Purged()
    for batches in (
        purging.remove_mails(database, transport, found.mails),
        purging.remove_transmissions(database, [*found.transmissions, *found.open_transmissions]),
        purging.empty_orders(database, found.unread, IS_UNREAD, state="ignored", errors=None, email=None),
        purging.empty_orders(database, found.orders, SETTLED_ORDER, ~OrderRow.mails.any(), email=None),
    ):
        total = sum(batches, total)
    with database.write() as session:
        mine = CustomerRow.email == found.email
        session.execute(delete(CustomerRow).where(mine, ~registrations.being_registered(CustomerRow.id)))
        guesses.forget_all(session, guesses.ACCOUNT, account=digest(found.email))
    database.empty_log()  # SQLite's write-ahead log still holds the rows as they were
    return total


def _is_theirs(email: str) -> ColumnElement[bool]:
    """Return the condition of a person's orders, and of what's about one of them and names no person, as a refund."""
    later, order = aliased(OrderRow), aliased(OrderRow)
    of_order = and_(order.source == later.source, order.order_id == later.order_id)
    about = select(later.id).join(order, of_order).where(order.email == email)
    return or_(OrderRow.email == email, OrderRow.id.in_(about.where(later.email.is_(None), later.decided.in_(LATER))))


def _mails_to(session: Session, email: str) -> Iterator[tuple[int, int | None]]:
    """Yield the ids of the person's emails and of their orders; SQLite's lower() only knows ASCII, so compare here."""
    for pk, order_pk, recipient in session.execute(select(MailRow.id, MailRow.order_pk, MailRow.recipient)):
        if normalised(recipient) == email:
            yield pk, order_pk


def _transmissions(session: Session, email: str) -> list[tuple[int, bool]]:
    """Return the transmissions of their orders by id, and whether each is being sent now."""
    to = json_text(TransmissionRow.order, "customer", "email")
    found = select(TransmissionRow.id, TransmissionRow.state, TransmissionRow.lease_until, to).where(to.is_not(None))
    return [
        (pk, state == "open" and until is not None)
        for pk, state, until, recipient in session.execute(found)
        if normalised(recipient) == email
    ]


def _rows(session: Session, table: type[Row], ids: Iterable[int], *options: ORMOption) -> Iterator[Row]:
    """Yield the rows with these ids, read a batch at a time: SQLite takes a limited number of variables."""
    for batch in purging.batches(sorted(ids)):
        yield from session.scalars(select(table).options(*options).where(table.id.in_(batch)).order_by(table.id))


def _count(number: int, one: str, many: str = "", said: str = "{}") -> str:
    return said.format(f"{number} {one if number == 1 else many or f'{one}s'}") if number else ""
