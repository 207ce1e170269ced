"""Which processes serve and work now, and which handlers each of them has loaded."""

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
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from receiver.errors import ReceiverError
from receiver.storage.clock import utc_now
from receiver.storage.columns import Base
from receiver.storage.database import Database

#: Seconds between two signs of life of a process.
SIGN_EVERY = 30.0
#: A process that gave none for so long has ended.
SILENCE = timedelta(seconds=120)
#: Seconds after which a sign that couldn't be written is tried again.
_AGAIN = 5.0
#: Seconds that a process waits for the write lock; without its row at the end, silence says the same later.
_PATIENCE = 0.5
_OF_THE_DATABASE = (ReceiverError, SQLAlchemyError, OSError)


class ProcessRow(Base):
    """One running process and what it loaded: handler names and file digests, as JSON."""

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


#: The kind of a process that takes orders; others are *worker*.
SERVER = "server"


@dataclass(frozen=True)
class Loaded:
    """What a running process has loaded."""

    #: ``server`` or ``worker``.
    kind: str
    handlers: Sequence[str]
    #: Digest of each file, by its path: in the folder of handlers the path from there, elsewhere the whole path.
    files: Mapping[str, str]


@dataclass
class Presence:
    """The sign of life of this process in the database, renewed now and then; commands write none."""

    database: Database
    _row: dict[str, object] = field(default_factory=dict)
    _files: Callable[[], Mapping[str, str]] = dict
    _next_sign: float = 0.0
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, kind: str, handlers: Sequence[str], files: Callable[[], Mapping[str, str]]) -> None:
        """Announce this process and what it loaded; ``files`` is called again at each sign of life."""
        self._files = files
        self._row = {
            "token": secrets.token_hex(8),
            "place": _place(),
            "pid": os.getpid(),
            "kind": kind,
            "started_at": utc_now().replace(microsecond=0),  # as it's stored, so that each sign leaves it alone
            "handlers": json.dumps(list(handlers)),
        }
        self.sign(patience=0)

    def sign(self, *, patience: float = _PATIENCE) -> None:
        """Write that this process lives, unless it did so a moment ago, and remove the rows of others that ended.

        Nothing depends on it, so it neither waits for long nor raises the database's errors.
        """
        with self._mutex:
            if not self._row or time.monotonic() < self._next_sign:
                return
            self._next_sign = time.monotonic() + _AGAIN
            with suppress(*_OF_THE_DATABASE):
                self._write(utc_now(), patience)
                self._next_sign = time.monotonic() + SIGN_EVERY

    def end(self) -> None:
        """Announce that this process ends."""
        with self._mutex:
            if not self._row:
                return
            mine = ProcessRow.token == self._row["token"]
            self._row.clear()
            with suppress(*_OF_THE_DATABASE), self.database.write(_PATIENCE) as session:
                session.execute(delete(ProcessRow).where(mine))

    def _write(self, now: datetime, patience: float) -> None:
        files = json.dumps(dict(self._files()))
        with self.database.write(patience) as session:
            session.execute(delete(ProcessRow).where(ProcessRow.token.in_(self._ended(session, now))))
            session.merge(ProcessRow(**self._row, seen_at=now, files=files))

    def _ended(self, session: Session, now: datetime) -> list[str]:
        """Return the tokens of processes that have ended, and of earlier ones with this process's number."""
        mine = self._row["place"], self._row["pid"]
        others = select(ProcessRow).where(ProcessRow.token != self._row["token"])
        return [row.token for row in session.scalars(others) if (row.place, row.pid) == mine or not _lives(row, now)]


def living(session: Session, now: datetime) -> list[Loaded]:
    """Return what each running process has loaded."""
    rows = session.scalars(select(ProcessRow).order_by(ProcessRow.started_at))
    return [Loaded(row.kind, json.loads(row.handlers), json.loads(row.files)) for row in rows if _lives(row, now)]


def _lives(row: ProcessRow, now: datetime) -> bool:
    if row.place == _place() and not _has_process(row.pid):
        return False
    return abs(now - row.seen_at) <= SILENCE


def _has_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # it's another user's
    return True


def _place() -> str:
    """Name the machine and, on Linux, the PID namespace, because each container numbers its own processes."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the link's target is no path
    except OSError:
        space = 0
    return f"{socket.gethostname()}/{space}"
