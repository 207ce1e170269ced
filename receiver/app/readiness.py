"""Check, at most once a second, whether an order could be stored now."""

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

#: Seconds that a result is good for.
_HOLDS = 1.0
#: Seconds to wait for the write lock: half as long as an order, because a waiting check occupies a server thread.
_PATIENCE = 1.0
#: Seconds that this process stays unready after the database refused an order as if it were damaged.
_REMEMBERED = 600.0
#: Far larger than a usual order and its indexes, but quick to write.
_PROOF = "x" * 65_536
#: A negative id, so that the ids of orders have no gap.
_PROOF_ID = -1
#: An order is stored twice, as fields and as read, and both are in the write-ahead log and later in the database.
_TIMES_THE_LARGEST = 4


def prove_writable(database: Database, *, patience: float) -> None:
    """Write a row larger than most orders and delete it again, in one commit.

    ``secure_delete`` is on, so SQLite overwrites the deleted content and the disk has to take all its pages. Waits
    ``patience`` seconds for the write lock. Raises Unavailable if the disk is full, the file read-only, the lock not
    released, or if the table accepts no order.
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
    with database.translated_errors(of_an_order=True), database.write(patience) as session:
        session.execute(insert(OrderRow).values(row))
        session.execute(delete(OrderRow).where(OrderRow.id == _PROOF_ID))


class Readiness:
    """The result of the last check. Everyone who asks within a second shares it, to spare the database."""

    def __init__(self, database: Database, inbox: Inbox, *, largest_order: int) -> None:
        self._database = database
        self._inbox = inbox
        self._room = largest_order * _TIMES_THE_LARGEST
        self._mutex = threading.Lock()
        self._tried_at: float | None = None
        self._trouble: str | None = None

    def check(self) -> None:
        """Raise Unavailable if an order can't be stored now; the result may be a second old.

        While one thread checks, the others get the previous result. Only the first check of all makes them wait.
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
            return "The database refused an order recently and may be damaged. Run `flask doctor`."
        try:
            prove_writable(self._database, patience=_PATIENCE)
        except Unavailable as error:
            return str(error)
        return None if self._has_room() else "The disk is too full for a large order. Free some space."

    def _has_room(self) -> bool:
        path = self._database.path
        if path is None:
            return True
        try:
            return shutil.disk_usage(path.parent).free >= self._room
        except OSError:  # the database may be a file: URI, whose path only SQLite understands
            return True
