"""Check whether an order could be stored now, at most once a second."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import delete, insert

from receiver.errors import Unavailable
from receiver.intake.inbox import Inbox
from receiver.storage.database import Database
from receiver.storage.models import OrderRow
from receiver.storage.sqlite import translated_errors

#: Seconds that a result holds.
_HOLDS = 1.0
#: Seconds to wait for the write lock: half of an order's, because each waiting check occupies a server thread.
_PATIENCE = 1.0
#: Seconds that this process isn't ready after a damaged database refused an order.
_REMEMBERED = 600.0
#: Far more than a usual order and its indexes take, but quick to write.
_PROOF = "x" * 65_536
#: A negative id leaves no gap in the ids of orders.
_PROOF_ID = -1
#: An order is stored as fields and as read, first in the write-ahead log and later in the database.
_TIMES_THE_LARGEST = 4


def prove_writable(database: Database, *, patience: float) -> None:
    """Write a row that's larger than most orders and delete it again, in one commit.

    SQLite overwrites deleted content with zeros here, so the disk has to take all its pages. Waits ``patience``
    seconds for the write lock. Raises Unavailable for a full disk, a read-only file, a lock that isn't released, or
    a table that accepts no order.
    """
    row = {
        "id": _PROOF_ID,
        "source": "",
        "key": "proof",
        "state": "ignored",
        "test": True,
        "encoding": "",
        "fields": _PROOF,
        "fields_digest": "",
        "notes": "",
        "proof": "",
        "fingerprint": "",
        "received_at": datetime.now(UTC),
    }
    with translated_errors(of_an_order=True), database.write(patience) as session:
        session.execute(insert(OrderRow).values(row))
        session.execute(delete(OrderRow).where(OrderRow.id == _PROOF_ID))


class Readiness:
    """The result of the last check, shared by all who ask within a second, to spare the database."""

    def __init__(self, database: Database, inbox: Inbox, *, largest_order: int) -> None:
        self._database = database
        self._inbox = inbox
        self._room = largest_order * _TIMES_THE_LARGEST
        self._mutex = threading.Lock()
        self._tried_at: float | None = None
        self._trouble: str | None = None

    def check(self) -> None:
        """Raise Unavailable unless an order could be stored now, or less than a second ago.

        While one thread checks, the others get the previous result; all wait for the very first one.
        """
        if self._is_old() and self._mutex.acquire(blocking=self._tried_at is None):
            try:
                if self._is_old():
                    self._trouble = self._found()
                    self._tried_at = time.monotonic()
            finally:
                self._mutex.release()
        if self._trouble:
            raise Unavailable(self._trouble)

    def _is_old(self) -> bool:
        return self._tried_at is None or time.monotonic() - self._tried_at >= _HOLDS

    def _found(self) -> str | None:
        failed_at = self._inbox.damage_found_at
        if failed_at is not None and time.monotonic() - failed_at < _REMEMBERED:
            return "The database refused an order recently as if it were damaged. Run `flask doctor`."
        try:
            prove_writable(self._database, patience=_PATIENCE)
        except Unavailable as error:
            return str(error)
        return None if self._has_room() else "The disk has no room for a large order. Free some space."

    def _has_room(self) -> bool:
        try:
            return shutil.disk_usage(self._database.path.parent).free >= self._room
        except OSError:  # a URI may name a file in a way that SQLite alone understands
            return True
