"""Remove personal data from settled orders, emails and transmissions, a small batch in each write transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, TextClause, delete, or_, select, update

from receiver.mail.transport import MailTransport
from receiver.storage import search
from receiver.storage.database import Database
from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from receiver.storage.relay_models import AlertPostRow, TransmissionRow

#: Rows with which nothing more happens, unless somebody asks for it.
SETTLED_ORDER = OrderRow.state.in_(("done", "failed", "ignored", "duplicate"))
SETTLED_MAIL = MailRow.state.in_(("sent", "failed"))
SETTLED_TRANSMISSION = TransmissionRow.state.in_(("delivered", "failed"))
#: Rows of one write transaction: few, so that no accept waits long.
BATCH = 50


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
    database: Database, pks: Sequence[int], *conditions: ColumnElement[bool] | TextClause, **columns: Any
) -> Iterator[Purged]:
    """Remove the bodies and the handlers' details from those of these orders that meet the conditions.

    It goes batch by batch. The orders' rows stay; ``columns`` are new values for them, if any.
    """
    for batch in batches(pks):
        with database.write() as session:
            # The conditions again, since an order may have been run again since it was found.
            emptied = update(OrderRow).where(OrderRow.id.in_(batch), *conditions).returning(OrderRow.id)
            kept = session.scalars(emptied.values(fields="[]", body=None, order=None, **columns)).all()
            search.forget(session, kept)
            session.execute(delete(AlertPostRow).where(AlertPostRow.order_pk.in_(kept)))
            handlers = select(HandlerRow.id).where(HandlerRow.order_pk.in_(kept))
            session.execute(update(AttemptRow).where(AttemptRow.handler_pk.in_(handlers)).values(detail=None))
            session.execute(update(HandlerRow).where(HandlerRow.order_pk.in_(kept)).values(detail=None))
        yield Purged(orders=len(kept))


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


def batches(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split ids into batches that one statement takes."""
    for start in range(0, len(pks), BATCH):
        yield pks[start : start + BATCH]
