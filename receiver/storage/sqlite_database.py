"""A database in a file of SQLite, with one writer at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from receiver.errors import ConfigurationError, Unavailable
from receiver.storage import sqlite
from receiver.storage.database import Beside, Database
from receiver.storage.sqlite_connections import GatedConnection
from receiver.storage.transactions import WriteTransaction
from receiver.storage.write_lock import FORGET_IN_CHILD, PATIENCE, WriteLock


class SQLiteDatabase(Database):
    """A file that any number of processes of one machine read, and that one of their threads writes at a time."""

    path: Path

    def __init__(self, url: str, lock_path: Path) -> None:
        self.engine: Engine = create_engine(
            url,
            module=sqlite.driver,
            connect_args={"check_same_thread": False, "factory": GatedConnection},
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=-1,
        )
        event.listen(self.engine, "do_connect", _make_no_file)
        event.listen(self.engine, "connect", lambda connection, _record: self._prepare(connection))
        event.listen(self.engine, "checkout", lambda connection, _record, _proxy: connection.wait_at_most(PATIENCE))
        event.listen(self.engine, "checkin", _drop_altered)
        event.listen(self.engine, "begin", _begin)
        self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        #: The database's file; SQLite takes a URI too.
        self.path = Path((self.engine.url.database or "").removeprefix("file:")).absolute()
        self._inode: int | None = None
        self._lock = WriteLock(lock_path)
        super().__init__()
        self._cursor: Any = None
        event.listen(self.engine, "engine_disposed", lambda _engine: self._forget_cursor())
        FORGET_IN_CHILD.add(self)

    def checkpoint(self, mode: str = "PASSIVE") -> None:
        """Copy the write-ahead log into the database, so that no commit has to; doesn't hold up any writer."""
        with self.translated_errors(), self.engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection  # SQLAlchemy's own would begin a transaction first
            raw.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def empty_log(self) -> None:
        """Copy the write-ahead log into the database and leave nothing in it, unless somebody reads in it now."""
        self.checkpoint("TRUNCATE")

    def back_up(self, path: Path) -> None:
        """Copy the database with SQLite's own backup, page by page."""
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(self.engine.raw_connection()) as source, closing(sqlite.driver.connect(path)) as target:
                source.dbapi_connection.backup(target)  # type: ignore[union-attr]
        except BaseException as error:
            path.unlink()
            if isinstance(error, sqlite.driver.Error):
                raise ConfigurationError(f"{path} can't be written whole ({error}), and was removed.") from error
            raise

    def check_copy(self, path: Path) -> None:
        """Have SQLite look through the whole copy."""
        try:
            with closing(sqlite.driver.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True)) as copy:
                found = [str(line) for (line,) in copy.execute("PRAGMA quick_check(1)")]
        except sqlite.driver.Error as error:
            found = [str(error)]
        if found != ["ok"]:
            raise ConfigurationError(f"The copy of the database is damaged ({' '.join(found[0].split())}).")

    @contextmanager
    def write_cursor(self, patience: float = PATIENCE) -> Iterator[Any]:
        """Hold the write lock, with a bare cursor whose statements each commit by themselves.

        What's begun with the connection's ``transaction`` and not committed is rolled back. The caller bounds how long
        its statements wait for programs that write past the lock.
        """
        self._lock.acquire(patience)
        try:
            with self.translated_errors(of_an_order=True):
                self._check_file()
                yield self._kept_cursor()
        except BaseException:
            self._forget_cursor()
            raise
        finally:
            self._lock.release()

    def cursor_on(self, connection: Connection) -> Any:
        """Return the driver's own cursor."""
        return connection.connection.cursor()

    def translated_errors(self, *, of_an_order: bool = False) -> AbstractContextManager[None]:
        """Turn what SQLite says of a full disk, a damaged or read-only file or a lock into Unavailable."""
        return sqlite.translated_errors(of_an_order=of_an_order)

    def exists(self) -> bool:
        """Return whether the file is there; a closed folder counts as none."""
        return os.path.exists(self.path)  # noqa: PTH110 - Path.exists would raise for a folder that's closed to us

    def shown(self) -> str:
        """Return the file's path."""
        return str(self.path)

    def _prepare(self, connection: GatedConnection) -> None:
        sqlite.prepare(connection)
        self._inode = self._inode or self.path.stat().st_ino

    def _check_file(self) -> None:
        """Raise Unavailable when the file was removed or replaced: a commit into the open one would be lost with it."""
        if self._inode is None:
            return
        with suppress(OSError):
            if self._inode == self.path.stat().st_ino:
                return
        raise Unavailable(f"{self.path.name} was removed or replaced while it was in use; start the server again.")

    def _kept_cursor(self) -> Any:
        """Return the previous cursor: taking a connection from the pool and back takes longer than a commit."""
        if self._cursor is None:
            connection = self.engine.raw_connection()
            connection.detach()
            self._cursor = connection.cursor()
        return self._cursor

    def _forget_cursor(self) -> None:
        """Close the accept path's connection; the next write opens another."""
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None

    def forget(self) -> None:
        """Open others in a forked child; closing what it inherits would roll back what the parent is writing."""
        self._cursor_of_parent, self._cursor = self._cursor, None
        super().forget()

    def begin_write(
        self,
        patience: float = PATIENCE,
        *,
        beside: Beside = Beside.NOTHING,  # noqa: ARG002 - always beside nothing
        turn: str = "",  # noqa: ARG002
    ) -> WriteTransaction:
        """Take the write lock and begin a write transaction; raises Unavailable after ``patience`` seconds."""
        deadline = time.monotonic() + patience
        self._lock.acquire(patience)
        with ExitStack() as undo:
            undo.callback(self._lock.release)
            with self.translated_errors():
                self._check_file()
                connection = undo.enter_context(self._writing.connect())
                raw: Any = connection.connection.dbapi_connection
                raw.wait_at_most(deadline - time.monotonic())
                connection.begin()
            undo.pop_all()
        return WriteTransaction(connection, self.translated_errors, self._lock.release)


def _make_no_file(_dialect: Any, _record: Any, arguments: list[str], options: dict[str, Any]) -> None:
    """Open only a file that `flask init` made: others could read one that SQLite makes."""
    if not options.get("uri"):
        arguments[0] = f"file:{quote(os.fsencode(arguments[0]))}?mode=rw"
        options["uri"] = True


def _drop_altered(connection: Any, record: Any) -> None:
    """Drop a connection that a handler closed within its transaction, or whose settings it changed."""
    if connection is not None and (connection.is_lent or connection.is_altered):
        record.invalidate()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
