"""Import saved bodies: the way of a verified POST, in groups, with the handlers off unless they're asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.errors import EmptyBody, ReceiverError, SecretsChanged
from receiver.intake import inserting
from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN, Proof
from receiver.intake.inserting import Entry, Recorded
from receiver.intake.order_row import new_row
from receiver.orders.saved_bodies import Saved
from receiver.security.keyring import Keyring
from receiver.security.shared_secrets import SharedSecrets
from receiver.sources.registry import Sources
from receiver.sources.source import Source
from receiver.storage import jobs
from receiver.storage.columns import receipt_of
from receiver.storage.database import Database
from receiver.storage.models import OrderRow

#: A group's most rows and characters. POSTs wait for the write lock while one is written, a few hundredths of a second.
_MOST_ROWS, _MOST_CHARACTERS = 100, 4_000_000
#: Seconds that a group waits for the write lock, and for programs that write past it.
_PATIENCE = 30.0


class Imported(NamedTuple):
    """What became of one saved body."""

    place: str
    #: ``imported``, ``duplicate``, ``parked``, ``ignored``, ``test`` or ``broken``.
    became: str
    #: Of the row that it is, or is a copy of; empty if it's broken.
    receipt: str = ""
    #: Why it's parked or broken.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Importing:
    """How the saved bodies of one source become orders."""

    sources: Sources
    shared_secrets: SharedSecrets
    secret_key: str = field(repr=False)
    #: The source's name.
    source: str
    #: Whether handlers run on the orders as if they'd been posted.
    run_handlers: bool = False

    def into(self, database: Database, bodies: Iterable[Saved]) -> Iterator[Imported]:
        """Record the bodies, and yield what became of each one once it's on disk, in their order.

        What was imported before is a duplicate, so an import that was stopped can be repeated. Raises UnknownSource,
        ConfigurationError while the source's mapping is wrong, and Unavailable.
        """
        self.sources.check_file()
        group: list[Saved] = []
        size = 0
        for body in bodies:
            group.append(body)
            size += sum(len(name) + len(value) for name, value in body.fields or ())
            if len(group) >= _MOST_ROWS or size > _MOST_CHARACTERS:
                yield from self._record(database, group)
                group, size = [], 0
        yield from self._record(database, group)

    def _record(self, database: Database, group: list[Saved]) -> list[Imported]:
        while True:
            keyring = self.shared_secrets.keyring(of_sources=self.sources.secrets)
            read = [self._row(body, self.sources.get(self.source), keyring) for body in group]
            with database.read() as session:
                found = [(isinstance(row, dict) and _copied(session, row)) or row for row in read]
            rows = [row for row in found if isinstance(row, dict)]
            try:
                recorded = iter(_written(database, [Entry(row, keyring.stored) for row in rows]))
            except SecretsChanged:  # one that was just added may be in what's to be written
                continue
            return [_outcome(body, one, recorded) for body, one in zip(group, found, strict=True)]

    def _row(self, body: Saved, source: Source, keyring: Keyring) -> dict[str, Any] | ReceiverError:
        """Return a body's row, as of a verified POST; an order is done at once unless its handlers are to run."""
        if not body.fields:
            return body.error or EmptyBody("It has no fields.")
        now = datetime.now(UTC)
        try:
            row = new_row(
                body.fields,
                notes=body.notes,
                source=source,
                proof=Proof(IMPORTED_TO_RUN if self.run_handlers else IMPORTED, fingerprint=""),
                keyring=keyring,
                secret_key=self.secret_key,
                content_type=body.media_type,
                end_is_known=True,
                received_at=now,
            )
        except ReceiverError as error:
            return error
        if row["state"] == "open" and (row["test"] or not self.run_handlers):
            row |= {**jobs.NO_RUN, "state": "done"}
        return row


def _copied(session: Session, row: Mapping[str, Any]) -> Recorded | None:
    """Return the order that a row without an event_id is a copy of, though that one came under an event_id.

    An export seldom has the ids of events. Orders of several stores may have one id, so they're left alone.
    """
    if row.get("event_id") or row["order_id"] is None or not row.get("order") or '"store_id"' in row["order"]:
        return None
    same = OrderRow.order_id == row["order_id"], OrderRow.content_digest == row["content_digest"]
    mine = OrderRow.source == row["source"], OrderRow.event_id.is_not(None), OrderRow.state != "duplicate"
    pk = session.scalar(select(OrderRow.id).where(*same, *mine).limit(1))
    return None if pk is None else Recorded(pk, row["order_id"], is_copy=True)


def _written(database: Database, entries: list[Entry]) -> list[tuple[Mapping[str, Any], Recorded]]:
    """Write a group; raises SecretsChanged, with nothing written, if its keyring is no longer that of the database."""
    if not entries:
        return []
    with database.write_cursor(_PATIENCE) as cursor:
        recorded = inserting.write(cursor, entries, time.monotonic() + _PATIENCE)
    found = []
    for entry, one in zip(entries, recorded, strict=True):
        if isinstance(one, SecretsChanged):
            raise one
        found.append((entry.row, one))
    return found


def _outcome(
    body: Saved,
    found: dict[str, Any] | Recorded | ReceiverError,
    recorded: Iterator[tuple[Mapping[str, Any], Recorded]],
) -> Imported:
    if isinstance(found, ReceiverError):
        return Imported(body.place, "broken", reason=str(found))
    if isinstance(found, Recorded):
        return Imported(body.place, "duplicate", receipt_of(found.pk))
    row, one = next(recorded)
    receipt, state = receipt_of(one.pk), row["state"]
    if one.is_copy:
        return Imported(body.place, "duplicate", receipt)
    if state == "parked":
        error = json.loads(row["errors"])[0]
        return Imported(body.place, "parked", receipt, f"{error['field']} {error['message']}")
    return Imported(body.place, "test" if row["test"] else "ignored" if state == "ignored" else "imported", receipt)
