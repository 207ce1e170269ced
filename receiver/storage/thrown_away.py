"""A copy of the database to try something on, which is thrown away."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import URL, Connection, inspect, text

from receiver.errors import ConfigurationError
from receiver.storage.database import Database
from receiver.storage.opening import open_database

_MADE_BY_US = "receiver_trial_"
_LOCK = 1_869_771_881
_HOLD = text(f"SELECT pg_advisory_lock({_LOCK}, hashtext(:name))")
_LEFT_BEHIND = text(
    f"SELECT nspname FROM pg_namespace WHERE starts_with(nspname, '{_MADE_BY_US}')"  # noqa: S608 - words of ours
    f" AND pg_try_advisory_xact_lock({_LOCK}, hashtext(nspname))"
)


class Compared(NamedTuple):
    """A connection that sees two copies of a database, each under the name of a schema."""

    connection: Connection
    one: str
    other: str


@contextmanager
def copy_of(database: Database) -> Iterator[Database]:
    """Copy the database, even while it's used, to where only its owner can read; remove it at the end.

    SQLite's copy is a file with a write lock of its own; PostgreSQL's is a schema in the same database, whose rows
    nobody else reads. Raises ConfigurationError when it can't be made.
    """
    with _file_of(database) if database.path else _schema_of(database) as copy:
        try:
            yield copy
        finally:
            copy.engine.dispose()


@contextmanager
def compared(one: Database, other: Database) -> Iterator[Compared]:
    """Open a connection that sees a database and a copy of it."""
    with one.engine.connect() as connection:
        if one.path is None:
            yield Compared(connection, _schema(connection), _schema_named_by(other))
            return
        raw = connection.connection.dbapi_connection
        assert raw  # noqa: S101 - just opened
        raw.execute("ATTACH ? AS other", [str(other.path)])
        yield Compared(connection, "main", "other")
        connection.invalidate()  # what's attached ends with the connection


@contextmanager
def _file_of(database: Database) -> Iterator[Database]:
    try:
        folder = TemporaryDirectory(prefix="receiver-")
    except OSError as error:
        raise ConfigurationError(f"The database cannot be copied to try it there: {error.strerror}.") from error
    with folder as name:
        path = Path(name) / "copy.sqlite"
        database.back_up(path)
        yield open_database(URL.create("sqlite", database=str(path)).render_as_string(), Path(name) / "write.lock")


@contextmanager
def _schema_of(database: Database) -> Iterator[Database]:
    """Copy all tables into a schema of their own; what refers to others is copied without the constraint.

    A lock shows that it's in use. What a process that was killed has left behind has none, and is dropped first.
    """
    name = f"{_MADE_BY_US}{secrets.token_hex(8)}"
    with database.translated_errors(), database.engine.connect() as holder:
        holder.execute(_HOLD, {"name": name})
        _drop_left_behind(holder)
        holder.commit()
        try:
            with _filled(database, name) as copy:
                yield copy
        finally:
            holder.invalidate()  # the lock ends with its connection


@contextmanager
def _filled(database: Database, name: str) -> Iterator[Database]:
    url = database.engine.url.update_query_dict({"options": f"-csearch_path={name}"})
    with database.translated_errors():
        with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            of, quote = _schema(connection), connection.dialect.identifier_preparer.quote
            connection.execute(text(f"CREATE SCHEMA {name}"))
            for table in inspect(connection).get_table_names(of):
                copy, original = f"{name}.{quote(table)}", f"{quote(of)}.{quote(table)}"
                connection.execute(text(f"CREATE TABLE {copy} (LIKE {original} INCLUDING ALL)"))
                connection.execute(text(f"INSERT INTO {copy} SELECT * FROM {original}"))  # noqa: S608 - the database's own names
            connection.commit()
        try:
            yield open_database(url.render_as_string(hide_password=False), Path())
        finally:
            with database.engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {name} CASCADE"))


def _drop_left_behind(connection: Connection) -> None:
    for name in connection.scalars(_LEFT_BEHIND).all():
        connection.execute(text(f'DROP SCHEMA "{name}" CASCADE'))


def _schema(connection: Connection) -> str:
    """Return the name of the schema that tables are made in."""
    return str(connection.scalar(text("SELECT current_schema()")))


def _schema_named_by(copy: Database) -> str:
    with copy.engine.connect() as connection:
        return _schema(connection)
