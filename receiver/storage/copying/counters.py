"""The highest id that each table has given, so that a copy gives no id of a deleted row again."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Table, func, select, text
from sqlalchemy.orm import Session

from receiver.storage.columns import Base

#: SQLite's own counter, which only the tables have that never give an id again.
_COUNTED = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
_FORGET = text("DELETE FROM sqlite_sequence WHERE name = :table")
_COUNT_FROM = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)")
#: PostgreSQL's, which every table of numbered rows has.
_SEQUENCE = text("SELECT pg_get_serial_sequence(:table, :column)")
_GIVEN = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}"
_GIVE_FROM = text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)")


def highest_ids(session: Session) -> dict[str, int]:
    """Return the highest id that each table has given, or holds; 0 for none."""
    return {table.name: max(_given(session, table, key), _held(session, key)) for table, key in _numbered()}


def count_on_from(session: Session, highest: dict[str, int]) -> None:
    """Have each table give higher ids than these from now on.

    A table of SQLite without a counter goes on from its last row: none of its rows was ever deleted, or nobody knows
    its ids.
    """
    for table, key in _numbered():
        if not _is_sqlite(session):
            number = {"table": table.name, "column": key.name, "next": highest[table.name] + 1}
            session.execute(_GIVE_FROM, number)
        elif _has_counter(table):
            session.execute(_FORGET, {"table": table.name})
            session.execute(_COUNT_FROM, {"table": table.name, "highest": highest[table.name]})


def _numbered() -> Iterator[tuple[Table, Column[int]]]:
    """Give the tables whose rows the database numbers, each with its key."""
    for table in Base.metadata.sorted_tables:
        if table.autoincrement_column is not None:
            yield table, table.autoincrement_column


def _given(session: Session, table: Table, key: Column[int]) -> int:
    if not _is_sqlite(session):
        sequence = session.scalar(_SEQUENCE, {"table": table.name, "column": key.name})
        return session.scalar(text(_GIVEN.format(sequence))) or 0
    return (session.scalar(_COUNTED, {"table": table.name}) or 0) if _has_counter(table) else 0


def _held(session: Session, key: Column[int]) -> int:
    return session.scalar(select(func.max(key))) or 0


def _has_counter(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])


def _is_sqlite(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"
