"""Take personal data out of settled orders, emails and transmissions, a small batch to each write transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from receiver.mail.transport import MailTransport
from receiver.storage.database import Database
from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: States in which nothing more happens to an order, unless somebody asks for it.
SETTLED_ORDER = ("done", "failed", "ignored", "duplicate")
SETTLED_MAIL = ("sent", "failed")
SETTLED_TRANSMISSION = ("delivered", "failed")
#: Orders that were never read: parked, or dismissed.
UNREAD = or_(OrderRow.state == "parked", (OrderRow.state == "ignored") & OrderRow.order.is_(None))
#: Rows of one write transaction: few, so that no accept waits long.
BATCH = 100


@dataclass(frozen=True)
class Purged:
    """Counts of what was removed."""

    orders: int = 0
    mails: int = 0
    files: int = 0
    transmissions: int = 0

    def __add__(self, other: Purged) -> Purged:
        return Purged(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def empty_orders(
    database: Database, pks: Sequence[int], *conditions: ColumnElement[bool], **columns: Any
) -> Iterator[Purged]:
    """Take the bodies out of those of these orders that are settled, batch by batch; their line in the books stays.

    ``columns`` are values to write beside.
    """
    for batch in batches(pks):
        with database.write() as session:
            settled = OrderRow.id.in_(batch), OrderRow.state.in_(SETTLED_ORDER), *conditions
            kept = list(session.scalars(select(OrderRow.id).where(*settled)))
            session.execute(update(OrderRow).where(OrderRow.id.in_(kept)).values(fields="[]", order=None, **columns))
            _forget_details(session, kept)
        yield Purged(orders=len(kept))


def empty_unread(database: Database, pks: Sequence[int]) -> Iterator[Purged]:
    """Take the bodies out of orders that were never read, batch by batch.

    What was parked is dismissed too, since nothing is left to read.
    """
    for batch in batches(pks):
        with database.write() as session:
            theirs = update(OrderRow).where(OrderRow.id.in_(batch), UNREAD).returning(OrderRow.id)
            empty = {"fields": "[]", "order": None, "errors": None, "email": None}
            emptied = session.scalars(theirs.values(state="ignored", **empty)).all()
        yield Purged(orders=len(emptied))


def remove_mails(
    database: Database, transport: MailTransport, pks: Sequence[int], *conditions: ColumnElement[bool]
) -> Iterator[Purged]:
    """Remove those of these emails that aren't being sent, and their files in the outbox folder, batch by batch.

    The folder is listed before, not while others wait to write, and once more for what was sent meanwhile.
    """
    files, removed_ids = transport.files() if pks else {}, list[str]()
    for batch in batches(pks):
        idle = MailRow.lease_until.is_(None)
        with database.write() as session:
            removed = delete(MailRow).where(MailRow.id.in_(batch), idle, *conditions).returning(MailRow.message_id)
            message_ids = list(session.scalars(removed))
            count = transport.forget(message_ids, files)
        removed_ids += message_ids
        yield Purged(mails=len(message_ids), files=count)
    if removed_ids and (count := transport.forget(removed_ids, transport.files())):
        yield Purged(files=count)


def remove_transmissions(database: Database, pks: Sequence[int]) -> Iterator[Purged]:
    """Remove those of these transmissions that aren't being sent, with their attempts, batch by batch."""
    for batch in batches(pks):
        unheld = or_(TransmissionRow.state != "open", TransmissionRow.lease_until.is_(None))
        idle = TransmissionRow.id.in_(batch), unheld
        with database.write() as session:
            removed = list(session.scalars(delete(TransmissionRow).where(*idle).returning(TransmissionRow.id)))
        yield Purged(transmissions=len(removed))


def _forget_details(session: Session, pks: Sequence[int]) -> None:
    """Remove what handlers said of these orders: it may name the customer."""
    handlers = select(HandlerRow.id).where(HandlerRow.order_pk.in_(pks))
    session.execute(update(AttemptRow).where(AttemptRow.handler_pk.in_(handlers)).values(detail=None))
    session.execute(update(HandlerRow).where(HandlerRow.order_pk.in_(pks)).values(detail=None))


def batches(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split ids into batches that one statement takes."""
    for start in range(0, len(pks), BATCH):
        yield pks[start : start + BATCH]
