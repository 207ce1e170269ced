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
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from receiver.errors import ReceiverError
from receiver.storage.columns import Base
from receiver.storage.database import Database

#: Seconds between two signs of life of a process.
SIGN_EVERY = 30.0
#: A process that has given none for so long has ended.
SILENCE = timedelta(seconds=120)
#: Seconds after which one that could not be given is tried again.
_AGAIN = 5.0
#: Seconds that a process waits to give one, or to take its row away at its end; silence does the same later.
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


@dataclass(frozen=True)
class Loaded:
    """What a running process has loaded."""

    #: ``server`` or ``worker``.
    kind: str
    handlers: Sequence[str]
    #: Digest of each file, by its path: from the folder of handlers on where it lies in there, else whole.
    files: Mapping[str, str]


@dataclass
class Presence:
    """The process's sign of life in the database, renewed now and then; commands write none."""

    database: Database
    _row: dict[str, object] = field(default_factory=dict)
    _files: Callable[[], Mapping[str, str]] = dict
    #: What was written of the files, as JSON.
    _written: str = ""
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
            "started_at": datetime.now(UTC),
            "handlers": json.dumps(list(handlers)),
        }
        self.sign(patience=0)

    def sign(self, *, patience: float = _PATIENCE) -> None:
        """Write that this process lives, unless it did so a moment ago; rows of others that have ended go.

        Nothing depends on it, so it neither waits for long nor raises what the database says.
        """
        with self._mutex:
            if not self._row or time.monotonic() < self._next_sign:
                return
            self._next_sign = time.monotonic() + _AGAIN
            with suppress(*_OF_THE_DATABASE):
                self._write(datetime.now(UTC), patience)
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
        files, token = json.dumps(dict(self._files())), self._row["token"]
        news = {} if files == self._written else {"files": files}
        with self.database.write(patience) as session:
            session.execute(delete(ProcessRow).where(ProcessRow.token.in_(self._ended(session, now))))
            signed = session.execute(update(ProcessRow).where(ProcessRow.token == token).values(seen_at=now, **news))
            if not signed.rowcount:  # type: ignore[attr-defined]
                session.add(ProcessRow(**self._row, seen_at=now, files=files))
        self._written = files

    def _ended(self, session: Session, now: datetime) -> list[str]:
        """Name the others that live no more, and those that had this one's number."""
        mine = self._row["place"], self._row["pid"]
        others = select(ProcessRow.token, ProcessRow.place, ProcessRow.pid, ProcessRow.seen_at)
        return [
            row.token
            for row in session.execute(others.where(ProcessRow.token != self._row["token"]))
            if (row.place, row.pid) == mine or not _lives(row, now)
        ]


def living(session: Session, now: datetime) -> list[Loaded]:
    """Return what each process that serves or works now has loaded."""
    rows = session.scalars(select(ProcessRow).order_by(ProcessRow.started_at))
    return [Loaded(row.kind, json.loads(row.handlers), json.loads(row.files)) for row in rows if _lives(row, now)]


def _lives(row: Any, now: datetime) -> bool:
    if row.place == _place() and not _has_process(row.pid):
        return False
    return bool(abs(now - row.seen_at) <= SILENCE)


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
