"""The rows of a database ten times over, by SQL: each copy with ids, times and names of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy import text as sql

from receiver.storage.columns import Base, Instant

#: How many times as many rows there are then.
TIMES = 10
#: The time from one order to the next: a million of them come in ten months.
_APART = timedelta(seconds=25)
#: The tables that grow with the orders, parents first.
_GROWING = (
    *("orders", "order_search", "order_handlers", "handler_attempts", "mails", "customers", "customer_addresses"),
    *("transmissions", "transmission_attempts"),
)
#: Texts that must differ from row to row, or that name an order or a customer of the same copy.
_OWN = frozenset({"key", "order_id", "email", "event_id", "message_id", "recipient", "duplicate_of"})
#: Bodies of emails, which take most of the room, are cut in copies.
_LONG = frozenset({"text", "html"})
_NEXT_ID = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))"


def spread(engine: Engine, size: int) -> None:
    """Date the rows back, as if the orders had come one by one until now."""
    with engine.begin() as connection:
        for table in _tables():
            last, rows = connection.execute(select(func.max(table.c.id), func.count())).one()
            if rows:
                step = size * _milliseconds(_APART) // rows
                _shift(connection, table, (table.c.id - last) * step, last)


def multiply(engine: Engine, size: int) -> None:
    """Copy all rows until there are ten times as many; the copies are later, and the last is of now."""
    span = size * _milliseconds(_APART)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.exec_driver_sql("PRAGMA cache_size=-2000000")  # 2 GB, or each index is read from the file
        last = {table.name: connection.scalar(select(func.max(table.c.id))) or 0 for table in _tables()}
        for copy in range(1, TIMES):
            for table in _tables():
                copied = [_copied(column, last, copy, span, size) for column in table.c]
                chosen = select(*copied).where(table.c.id <= last[table.name])
                connection.execute(insert(table).from_select([column.name for column in table.c], chosen))
            connection.commit()
        for table in _tables():
            _shift(connection, table, (1 - TIMES) * span, last[table.name])
            if engine.dialect.name == "postgresql":
                connection.execute(sql(_NEXT_ID.format(table=table.name)))
        connection.commit()
        if engine.dialect.name == "postgresql":
            connection.execute(sql("ANALYZE"))
            connection.commit()


def _copied(column: Column[Any], last: dict[str, int], copy: int, span: int, size: int) -> ColumnElement[Any]:
    """Return a column as it's in a copy: ids and times are shifted, own names have an ending."""
    if column.primary_key:
        return column + copy * last[column.table.name]
    if parents := [key.column.table.name for key in column.foreign_keys if key.column.table.name in last]:
        return column + copy * last[parents[0]]
    if isinstance(column.type, Instant):
        return type_coerce(column, BigInteger) + (copy + 1 - TIMES) * span
    if column.name in _LONG:
        return func.substr(column, 1, 100)
    return column.concat(f".x{copy}of{size}") if column.name in _OWN else column


def _shift(connection: Connection, table: Table, by: ColumnElement[int] | int, last: int) -> None:
    """Shift all times of the rows up to an id."""
    times = {
        column.name: type_coerce(column, BigInteger) + by for column in table.c if isinstance(column.type, Instant)
    }
    if times:
        connection.execute(update(table).where(table.c.id <= last).values(times))


def _tables() -> list[Table]:
    return [Base.metadata.tables[name] for name in _GROWING]


def _milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)
