"""Whether an order could be written down now: tried once a second at most, however often it is asked."""

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

#: For this many seconds a verdict holds.
_HOLDS = 1.0
#: Seconds to wait for the write lock: half of what an order waits, since whoever asks keeps a server's thread.
_PATIENCE = 1.0
#: For this many seconds an order that a damaged database refused keeps this process from being ready.
_REMEMBERED = 600.0
#: Far more than an ordinary order takes with its indexes, and still written in a moment.
_PROOF = "x" * 65_536
#: The proof is never seen under it, and orders' own ids go on as if there had been none.
_PROOF_ID = -1
#: The largest order is kept twice, as fields and as read, in the log first and in the database later.
_TIMES_THE_LARGEST = 4


def prove_writable(database: Database, *, patience: float) -> None:
    """Write an order's row larger than most and take it out again, in one commit that the disk has to take.

    What is deleted is overwritten with zeros, so all its pages are written. Raises Unavailable on a full disk, a
    read-only file, a lock that is kept, or a table that takes no order.
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
    """The last verdict, shared by all who ask within a second, so that asking often doesn't load the database."""

    def __init__(self, database: Database, inbox: Inbox, *, largest_order: int) -> None:
        self._database = database
        self._inbox = inbox
        self._room = largest_order * _TIMES_THE_LARGEST
        self._mutex = threading.Lock()
        self._tried_at: float | None = None
        self._trouble: str | None = None

    def check(self) -> None:
        """Raise Unavailable unless an order could be written down now, or could less than a second ago.

        While one tries, the others are answered by the verdict before; the first of all is waited for.
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
