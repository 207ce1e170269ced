"""The registrar ``sql``: a row for each customer in the users table of the website's own database."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Row,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from receiver.customers.registrars import Fields, NotRegistered, placeholders, registrar, sql_columns
from receiver.errors import ConfigurationError
from receiver.orders.email_addresses import normalised

#: The longest that a driver waits for the connection, and for the answer to a statement, in seconds.
_PATIENCE: dict[str, dict[str, int]] = {
    "psycopg": {"connect_timeout": 5},
    "pymysql": {"connect_timeout": 5, "read_timeout": 15, "write_timeout": 15},
    "pysqlite": {"timeout": 5},
}
#: What pip calls a driver whose module has another name.
_PACKAGES = {"psycopg": "'psycopg[binary]'", "pymysql": "PyMySQL", "MySQLdb": "mysqlclient"}
_EXAMPLE = "mysql+pymysql://user:${WEBSITE_PASSWORD}@localhost/website"


class SqlSettings(BaseModel, strict=True):
    """The table ``[registrar]``."""

    url: str = Field(min_length=1, description=f'the SQLAlchemy URL of the website\'s database, such as "{_EXAMPLE}"')
    table: str = Field(min_length=1, description='the name of the table of the website\'s users, such as "users"')
    columns: dict[str, Any] = Field(min_length=1, description="what each column of the table gets: [registrar.columns]")
    update: list[Any] = Field([], description='a list of columns, such as ["first_name", "phone"]')
    erase: bool = Field(False, description="true to delete the row of a customer who is erased, or false")


@registrar("sql", settings=SqlSettings)
class SqlRegistrar:
    """A registrar that finds a customer's row by email in any spelling, then adds or updates it."""

    def __init__(self, settings: SqlSettings, environment: Mapping[str, str] = os.environ) -> None:
        """Check all that needs no connection; raises ConfigurationError naming the key at fault."""
        self._engine = _engine(_url(settings.url, environment))
        self._table = settings.table
        self._columns = sql_columns.read(settings.columns, settings.update)
        #: Whether it's set up to erase.
        self.erases = settings.erase

    def register(self, customer: Fields) -> str:
        """Add the customer's row, or update it; raises NotRegistered."""
        with self._connected() as connection:
            table = self._reflected(connection)
            # The website may add the row between our look and our insert: then look once more.
            for _ in range(2):
                with connection.begin():
                    if rows := self._found(connection, table, str(customer["email"])):
                        return self._update(connection, table, rows, customer)
                try:
                    with connection.begin():
                        self._add(connection, table, customer)
                except IntegrityError as error:
                    refused = error
                else:
                    return f"added to {self._table}"
            raise refused

    def erase(self, email: str) -> str:
        """Delete the customer's row; raises NotRegistered."""
        with self._connected() as connection:
            table = self._reflected(connection)
            with connection.begin():
                rows = self._found(connection, table, email)
                for row in rows:
                    connection.execute(delete(table).where(*_is(table, row)))
        return f"{len(rows)} row{'s'[: len(rows) != 1]} deleted from {self._table}"

    def check(self) -> str:
        """Connect and compare the columns with the table's; raises NotRegistered."""
        with self._connected() as connection:
            self._reflected(connection)
        return f"sql: {self._table} of {self._engine.url.render_as_string(hide_password=True)} has all columns named"

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except NoSuchTableError:
            raise NotRegistered(f"The website's database has no table {self._table}; correct [registrar].") from None
        except DBAPIError as error:
            raise NotRegistered(f"The website's database says: {error.orig}") from error
        except SQLAlchemyError as error:
            raise NotRegistered(f"The website's database cannot be used: {error}") from error

    def _reflected(self, connection: Connection) -> Table:
        """Read the table's columns as they are now, so that a change of the website needs no restart here."""
        schema, _, name = self._table.rpartition(".")
        with connection.begin():
            table = Table(name, MetaData(), schema=schema or None, autoload_with=connection, resolve_fks=False)
        if missing := [name for name in self._columns.rules if name not in table.columns]:
            raise NotRegistered(
                f"The table {self._table} has no column {', '.join(missing)}; correct [registrar.columns]. "
                f"It has {', '.join(table.columns.keys())}."
            )
        if (self._columns.update or self.erases) and not table.primary_key.columns:
            raise NotRegistered(f"The table {self._table} has no primary key, by which rows are updated and erased.")
        return table

    def _found(self, connection: Connection, table: Table, email: str) -> list[Row[Any]]:
        """Find the rows of this email: first as it is, which an index answers, then in any spelling."""
        column = table.columns[self._columns.email]
        wanted = select(column, *table.primary_key.columns)
        for condition in (column == email, func.lower(func.trim(column)) == email):
            # A collation may take more for equal than is: MariaDB's usual one finds zoë@… for zoe@….
            if rows := [row for row in connection.execute(wanted.where(condition)) if normalised(row[0]) == email]:
                return rows
        return []

    def _add(self, connection: Connection, table: Table, customer: Fields) -> None:
        values = _fitting(table, self._columns.of_new(customer))
        connection.execute(insert(table).values({name: value for name, value in values.items() if value is not None}))

    def _update(self, connection: Connection, table: Table, rows: list[Row[Any]], customer: Fields) -> str:
        values = _fitting(table, self._columns.of_known(customer))
        for row in rows if values else ():
            connection.execute(update(table).where(*_is(table, row)).values(values))
        return f"known already in {self._table}" + (f"; updated: {', '.join(values)}" if values else "")


def _is(table: Table, row: Row[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of one row that was found."""
    return [column == row[number] for number, column in enumerate(table.primary_key.columns, 1)]


def _fitting(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sql_columns.fitting(table.columns[name], value) for name, value in values.items()}


def _url(url: str, environment: Mapping[str, str]) -> URL:
    """Read the database's URL, which may be an environment variable, or hold its password in one."""
    try:
        whole = placeholders.from_environment(url, "url", environment) if re.fullmatch(r"\$\{\w+\}", url) else url
        parsed = make_url(whole)
        if parsed.password and parsed.password in whole:
            return parsed.set(password=placeholders.from_environment(parsed.password, "url", environment))
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise ConfigurationError(f'url cannot be read; it should look like "{_EXAMPLE}".') from None
    return parsed


def _engine(url: URL) -> Engine:
    """Make the engine; each registration opens a connection of its own, so that none goes stale."""
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=_PATIENCE.get(url.get_driver_name(), {}))
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise ConfigurationError(
            f"url begins with {url.drivername}, whose driver isn't installed; run: .venv/bin/pip install {package}"
        ) from error
    except ArgumentError:
        raise ConfigurationError(
            f"url begins with {url.drivername}, which is no database that SQLAlchemy knows."
        ) from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise ConfigurationError(f"url names the file {url.database}, which isn't there.")
    if url.get_backend_name() == "postgresql":
        event.listen(engine, "connect", _wait_at_most)
    return engine


def _wait_at_most(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '15s'")
    connection.commit()
