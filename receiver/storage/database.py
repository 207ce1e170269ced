"""What every database offers: read sessions, write transactions, and the accept path's cursor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from receiver.storage.shared_writes import SharedWrites
from receiver.storage.transactions import WriteTransaction
from receiver.storage.write_lock import PATIENCE

Result = TypeVar("Result")


class Beside(Enum):
    """What may be written beside a write transaction, on a database that has many writers; SQLite has one."""

    #: It may read something and write what follows from that.
    NOTHING = "nothing"
    #: Its statements are right in any order, as those of jobs are, each of which is of one run.
    SMALL_WRITES = "small writes"
    #: A handler's own work, which may take long; runs of the same handler take turns.
    ANYTHING = "anything"


class Database(ABC):
    """The database: read sessions at any time, write transactions, and a commit that returned is on disk."""

    engine: Engine
    #: Its file; None for a server.
    path: Path | None = None

    def __init__(self) -> None:
        #: Small writes of jobs, which share transactions.
        self.shared_writes = self._new_shared_writes()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session whose reads see one moment of the database; raises Unavailable when it can't be read."""
        with self.translated_errors(), Session(self._reading()) as session:
            yield session

    @contextmanager
    def write(self, patience: float = PATIENCE) -> Iterator[Session]:
        """Open a session in a write transaction, committed at the end; raises Unavailable after ``patience`` s."""
        with closing(self.begin_write(patience)) as transaction:
            with self.translated_errors(), session_on(transaction.connection) as session:
                yield session
            transaction.commit()

    def run(self, write: Callable[[Connection], Result]) -> Result:
        """Run statements in a write transaction beside nothing else, and return what the function returns."""
        with closing(self.begin_write()) as transaction:
            with self.translated_errors():
                result = write(transaction.connection)
            transaction.commit()
        return result

    @abstractmethod
    def begin_write(
        self, patience: float = PATIENCE, *, beside: Beside = Beside.NOTHING, turn: str = ""
    ) -> WriteTransaction:
        """Begin a write transaction; raises Unavailable after ``patience`` seconds.

        Those ``beside`` anything take turns with those of the same name.
        """

    @abstractmethod
    def write_cursor(self, patience: float = PATIENCE) -> AbstractContextManager[Any]:
        """Hold the write lock of arrivals, with a bare cursor of the DB-API, for the accept path.

        Everything is on disk when the block has ended. Parameters are written ``?``. Raises Unavailable after
        ``patience`` seconds, and Damaged for what the database refuses.
        """

    @abstractmethod
    def cursor_on(self, connection: Connection) -> Any:
        """Return such a cursor in a transaction that's open already."""

    @abstractmethod
    def translated_errors(self, *, of_an_order: bool = False) -> AbstractContextManager[None]:
        """Turn what the database says of itself - a full disk, a lock, a server that's gone - into Unavailable (503).

        A constraint or a wrong statement is a mistake of ours and stays as it is, except ``of_an_order``: there it's
        Damaged too, because the sender of an order that the database didn't take is to try again.
        """

    @abstractmethod
    def back_up(self, path: Path) -> None:
        """Copy the database, while it's in use, to a new file that only its owner can read.

        Raises FileExistsError, and ConfigurationError when it can't be copied whole; then no file is left.
        """

    @abstractmethod
    def check_copy(self, path: Path) -> None:
        """Raise ConfigurationError for a file of ``back_up`` that isn't whole."""

    @abstractmethod
    def exists(self) -> bool:
        """Return whether there is a database, with tables or without; asking makes none."""

    @abstractmethod
    def shown(self) -> str:
        """Return its name for people, without a password."""

    @abstractmethod
    def checkpoint(self) -> None:
        """Do what keeps commits quick, now and then."""

    @abstractmethod
    def empty_log(self) -> None:
        """Leave nothing of deleted rows in logs that are ours."""

    def forget(self) -> None:
        """Open other connections in a forked child, which shares its parent's."""
        self._of_parent = self.engine.pool
        self.shared_writes = self._new_shared_writes()
        self.engine.dispose(close=False)

    def _reading(self) -> Engine:
        return self.engine

    def _new_shared_writes(self) -> SharedWrites:
        return SharedWrites(partial(self.begin_write, beside=Beside.SMALL_WRITES), self.translated_errors)


@contextmanager
def session_on(connection: Connection) -> Iterator[Session]:
    """Open a session in a transaction that's open already, and write its changes at the end."""
    with Session(connection) as session:
        yield session
        session.flush()
