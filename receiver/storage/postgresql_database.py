"""A database on a PostgreSQL server, which processes of many machines read and write at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

from receiver.errors import Busy, ConfigurationError
from receiver.storage import postgresql, postgresql_programs
from receiver.storage.database import Beside, Database
from receiver.storage.postgresql_connections import LendableConnection, QmarkCursor
from receiver.storage.transactions import WriteTransaction
from receiver.storage.write_lock import FORGET_IN_CHILD, PATIENCE

#: Advisory locks, held until the transaction ends. Arrivals are written by one process at a time, so that their ids
#: are in the order of their commits; small writes of jobs run beside each other; what's written beside nothing waits
#: for all of them, as on SQLite.
_ARRIVALS, _JOBS = 1_869_771_877, 1_869_771_878
#: The class of the locks by which runs of the same handler take turns.
_HANDLERS = 1_869_771_880
_LOCKS = {
    Beside.NOTHING: f"pg_advisory_xact_lock({_ARRIVALS}), pg_advisory_xact_lock({_JOBS})",
    Beside.SMALL_WRITES: f"pg_advisory_xact_lock_shared({_JOBS})",
    Beside.ANYTHING: f"pg_advisory_xact_lock({_HANDLERS}, hashtext(:turn))",
}
# One statement, because each is a round trip. Its parts are evaluated from the left.
_BEGIN = "SELECT set_config('lock_timeout', {patience}, true), {locks}"
_BEGINNINGS = {beside: text(_BEGIN.format(patience=":patience", locks=locks)) for beside, locks in _LOCKS.items()}
_BEGIN_ARRIVALS = _BEGIN.format(patience="?", locks=f"pg_advisory_xact_lock({_ARRIVALS})")
_CONNECTIONS, _POOL_SECONDS = 32, 5


class PostgreSQLDatabase(Database):
    """A database on a server; rows are locked by those who write them."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            connect_args=postgresql.OPTIONS,
            pool_size=8,
            max_overflow=_CONNECTIONS - 8,
            pool_timeout=_POOL_SECONDS,
        )
        event.listen(self.engine, "do_connect", _connect)
        event.listen(self.engine, "checkin", _drop_altered)
        self._snapshots = self.engine.execution_options(isolation_level="REPEATABLE READ")
        #: Guards the accept path's connection.
        self._mutex = threading.Lock()
        self._kept: LendableConnection | None = None
        super().__init__()
        event.listen(self.engine, "engine_disposed", lambda _engine: self._close_kept())
        FORGET_IN_CHILD.add(self)

    def begin_write(
        self, patience: float = PATIENCE, *, beside: Beside = Beside.NOTHING, turn: str = ""
    ) -> WriteTransaction:
        """Begin a transaction, and take its locks; raises Unavailable after ``patience`` seconds."""
        with self.translated_errors():
            connection = self.engine.connect()
            try:
                self._begin(connection, patience, beside, turn)
            except BaseException:
                connection.close()
                raise
        return WriteTransaction(connection, self.translated_errors)

    @contextmanager
    def write_cursor(self, patience: float = PATIENCE) -> Iterator[Any]:
        """Hold the lock of arrivals in a transaction, which the block's end commits."""
        if not self._mutex.acquire(timeout=max(patience, 0)):
            raise Busy("Another write is taking too long; try again.")
        try:
            with self.translated_errors(of_an_order=True):
                connection = self._kept_connection()
                cursor = QmarkCursor(connection)
                cursor.execute(_BEGIN_ARRIVALS, [_milliseconds(patience)])
                yield cursor
                connection.commit()
        except BaseException:
            self._close_kept()
            raise
        finally:
            self._mutex.release()

    def cursor_on(self, connection: Connection) -> Any:
        """Return a cursor that takes question marks."""
        return QmarkCursor(connection.connection.dbapi_connection)

    def translated_errors(self, *, of_an_order: bool = False) -> AbstractContextManager[None]:
        """Turn what the server says of itself, and that it's gone, into Unavailable."""
        return postgresql.translated_errors(of_an_order=of_an_order)

    def back_up(self, path: Path) -> None:
        """Copy the database with ``pg_dump``, in the form that ``pg_restore`` reads."""
        program = postgresql_programs.found("pg_dump", "A backup of PostgreSQL")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            postgresql_programs.run(self.engine.url, program, "--format=custom", f"--file={path}")
        except ConfigurationError as error:
            path.unlink()
            raise ConfigurationError(f"{path} can't be written whole ({error}), and was removed.") from error

    def check_copy(self, path: Path) -> None:
        """Have ``pg_restore`` list what's in the copy."""
        listed = postgresql_programs.listed(path)
        if " TABLE DATA public orders " not in listed:
            raise ConfigurationError("The copy of the database is damaged: it has no orders.")

    def exists(self) -> bool:
        """Return True: whether it can be reached shows when it's used."""
        return True

    def shown(self) -> str:
        """Return its URL without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    def checkpoint(self) -> None:
        """Do nothing: the server does it."""

    def empty_log(self) -> None:
        """Do nothing: the server's log is its own."""

    def forget(self) -> None:
        """Open other connections in a forked child, and close none of the parent's."""
        self._kept_of_parent, self._kept = self._kept, None
        self._mutex = threading.Lock()
        super().forget()

    def _reading(self) -> Engine:
        return self._snapshots

    def _begin(self, connection: Connection, patience: float, beside: Beside, turn: str) -> None:
        of = {"patience": _milliseconds(patience)} | ({"turn": turn} if beside is Beside.ANYTHING else {})
        connection.execute(_BEGINNINGS[beside], of)
        if beside is Beside.ANYTHING:
            raw: Any = connection.connection.dbapi_connection
            raw.mark()

    def _kept_connection(self) -> LendableConnection:
        """Return the accept path's connection, which isn't of the pool: that would roll back once more each time."""
        if self._kept is None:
            arguments, options = self.engine.dialect.create_connect_args(self.engine.url)
            self._kept = _connect(None, None, arguments, {**options, **postgresql.OPTIONS})
        return self._kept

    def _close_kept(self) -> None:
        """Close the accept path's connection; the next write opens another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()


def _connect(_dialect: Any, _record: Any, arguments: Sequence[Any], options: dict[str, Any]) -> LendableConnection:
    connection = LendableConnection.connect(*arguments, **options)
    postgresql.prepare(connection)
    return connection


def _drop_altered(connection: Any, record: Any) -> None:
    """Drop a connection that was cut off, or whose settings a handler changed."""
    if connection is not None and (connection.is_lent or connection.is_altered or connection.closed):
        record.invalidate()


def _milliseconds(patience: float) -> str:
    return f"{max(round(patience * 1000), 1)}ms"
