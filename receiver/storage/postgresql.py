"""How PostgreSQL is used: what each connection needs, and what its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from receiver.errors import Busy, Damaged, Unavailable

#: Seconds for reaching the server, and after which one that doesn't answer any more counts as gone.
_REACH_SECONDS, _GONE_SECONDS = 3, 10
#: What every connection is opened with (https://www.postgresql.org/docs/current/libpq-connect.html).
OPTIONS: dict[str, Any] = {
    "connect_timeout": _REACH_SECONDS,
    "tcp_user_timeout": _GONE_SECONDS * 1000,
    "client_encoding": "utf8",
    "application_name": "receiver",
}
#: Errors -> what is raised, and what to do; the first that fits.
_ANSWERS: tuple[tuple[tuple[type[Exception], ...], type[Unavailable], str], ...] = (
    ((errors.LockNotAvailable, errors.DeadlockDetected, errors.TooManyConnections), Busy, "try again"),
    ((errors.DataCorrupted, errors.IndexCorrupted), Damaged, "restore a backup, see “Back up and upgrade” in Help"),
    ((errors.UndefinedTable, errors.UndefinedColumn), Unavailable, "run `flask init`"),
    (
        (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction, errors.InvalidCatalogName),
        Unavailable,
        "see DATABASE_URL and the rights of its user",
    ),
    ((psycopg.OperationalError,), Unavailable, "try again"),
)


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Have a commit that returned outlive a power cut, whatever the server's default is."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


@contextmanager
def translated_errors(*, of_an_order: bool = False) -> Iterator[None]:
    """Turn what PostgreSQL says of itself into Unavailable; what's ours stays, but is Damaged ``of_an_order``."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy("All connections to the database are in use; try again.") from error
    except (DBAPIError, psycopg.Error) as error:
        cause = getattr(error, "orig", error)
        for kinds, raised, step in _ANSWERS:
            if isinstance(cause, kinds):
                raise raised(f"The database can't be used now ({_first_line(cause)}); {step}.") from error
        if of_an_order:
            words = f"{type(cause).__name__}: {_first_line(cause)}"
            raise Damaged(f"The database refused the order ({words}); run `flask doctor`.") from error
        raise


def _first_line(error: BaseException | None) -> str:
    """Return an error's first line: the others show the statement, and values of the row."""
    return str(error).strip().partition("\n")[0]
