"""Which processes serve and work now, and what handlers each of them has loaded."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from receiver.errors import ReceiverError
from receiver.storage.columns import Base
from receiver.storage.database import Database

#: Seconds between two signs of life of a process.
SIGN_EVERY = 10.0
#: A process that has given none for so long has ended.
SILENCE = timedelta(seconds=60)
#: Seconds that a process waits at its end to take its row away; silence does the same later.
_PATIENCE_AT_THE_END = 0.5


class ProcessRow(Base):
    """Is one process that serves or works, and what it loaded: handlers' names and files' digests, as JSON."""

    __tablename__ = "processes"

    token: Mapped[str] = mapped_column(primary_key=True)
    #: The machine, or the container, that its number counts on.
    place: Mapped[str]
    pid: Mapped[int]
    #: ``server`` or ``worker``.
    kind: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    handlers: Mapped[str]
    files: Mapped[str]


@dataclass(frozen=True)
class Loaded:
    """Says what a process that lives has loaded."""

    #: ``server`` or ``worker``.
    kind: str
    handlers: Sequence[str]
    #: Digest of each file, by its path: from the folder of handlers on where it lies in there, else whole.
    files: Mapping[str, str]


@dataclass
class Presence:
    """Writes down, now and then, that this process lives; until it begins, as in a command, it writes nothing."""

    database: Database
    _row: dict[str, object] = field(default_factory=dict)
    _files: Callable[[], Mapping[str, str]] = dict
    _next_sign: float = 0.0
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, kind: str, handlers: Sequence[str], files: Callable[[], Mapping[str, str]]) -> None:
        """Say from now on that this process lives and has loaded these; ``files`` is asked again at each sign."""
        self._files = files
        self._row = {
            "token": secrets.token_hex(8),
            "place": _place(),
            "pid": os.getpid(),
            "kind": kind,
            "started_at": datetime.now(UTC),
            "handlers": json.dumps(list(handlers)),
        }
        self.sign()

    def sign(self) -> None:
        """Write that this process lives, unless it did so a moment ago; rows of others that have ended go."""
        with self._mutex:
            if not self._row or time.monotonic() < self._next_sign:
                return
            self._next_sign = time.monotonic() + SIGN_EVERY
            with suppress(ReceiverError):  # nothing depends on it, and the next sign tries again
                self._write(datetime.now(UTC))

    def end(self) -> None:
        """Say that this process ends."""
        with self._mutex:
            if not self._row:
                return
            mine = ProcessRow.token == self._row["token"]
            self._row.clear()
            with suppress(ReceiverError), self.database.write(_PATIENCE_AT_THE_END) as session:
                session.execute(delete(ProcessRow).where(mine))

    def _write(self, now: datetime) -> None:
        with self.database.write() as session:
            for row in session.scalars(select(ProcessRow).where(ProcessRow.token != self._row["token"])):
                had_this_number = (row.place, row.pid) == (self._row["place"], self._row["pid"])
                if had_this_number or not _lives(row, now):
                    session.delete(row)
            session.merge(ProcessRow(**self._row, seen_at=now, files=json.dumps(dict(self._files()))))


def living(session: Session, now: datetime) -> list[Loaded]:
    """Give what each process that serves or works now has loaded."""
    rows = session.scalars(select(ProcessRow).order_by(ProcessRow.started_at))
    return [Loaded(row.kind, json.loads(row.handlers), json.loads(row.files)) for row in rows if _lives(row, now)]


def _lives(row: ProcessRow, now: datetime) -> bool:
    if row.place == _place() and not _has_process(row.pid):
        return False
    return abs(now - row.seen_at) <= SILENCE


def _has_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _place() -> str:
    """Name the machine and, on Linux, the space that process numbers count in: a container has one of its own."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the link's target is no path
    except OSError:
        space = 0
    return f"{socket.gethostname()}/{space}"
