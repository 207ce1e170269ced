"""A table's rows as the database holds them: read in the order of their key, checked, counted and digested."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy
from sqlalchemy import Boolean, Integer, Table, column, func, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from receiver.errors import NotPossible
from receiver.storage.columns import Instant

Row = tuple[Any, ...]

#: Rows that are in memory at once while they're read; one may have megabytes.
_AT_ONCE = 100


@dataclass(frozen=True)
class Tally:
    """How many rows there are, and a SHA-256 over all their values."""

    count: int
    digest: str


class Rows:
    """One table's rows. An instant is a number in them, as it's stored, so that nothing is read and made again."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self._columns = [(one.name, _type_of(one.type)) for one in table.columns]
        self._names = [one.name for one in table.columns]
        self._key_at = [self._names.index(one.name) for one in table.primary_key]
        # Without types, or SQLAlchemy would take any number for a flag.
        self._stored = sqlalchemy.table(table.name, *(column(one.name) for one in table.columns))
        self._key = tuple_(*(self._stored.c[one.name] for one in table.primary_key))
        self._typed = sqlalchemy.table(table.name, *(column(one.name, _stored(one.type)) for one in table.columns))

    def key(self, row: Row) -> Row:
        """Return a row's primary key."""
        return tuple(row[at] for at in self._key_at)

    def named(self, row: Row) -> str:
        """Return a row's name for people: its table and its key."""
        return f"{self.name}, {', '.join(f'{self._names[at]} {row[at]}' for at in self._key_at)}"

    def last_key(self, session: Session) -> Row | None:
        """Return the highest key; None without any row."""
        found = session.execute(
            select(*self._key.clauses).order_by(*(one.desc() for one in self._key.clauses)).limit(1)
        )
        row = found.one_or_none()
        return None if row is None else tuple(row)

    def count(self, session: Session) -> int:
        """Count the rows."""
        return session.scalar(select(func.count()).select_from(self._stored)) or 0

    def read(self, session: Session, *, after: Row | None = None, up_to: Row | None = None) -> Iterator[Row]:
        """Read the rows in the order of their keys; raises NotPossible for a value of another type than its column."""
        rows = select(self._stored).order_by(*self._key.clauses)
        if after is not None:
            rows = rows.where(self._key > tuple_(*after))
        if up_to is not None:
            rows = rows.where(self._key <= tuple_(*up_to))
        for row in session.execute(rows, execution_options={"yield_per": _AT_ONCE}):
            yield self._checked(tuple(row))

    def write(self, session: Session, rows: Iterable[Row]) -> None:
        """Insert rows with the keys that they have."""
        session.connection().execute(self._typed.insert(), [dict(zip(self._names, row, strict=True)) for row in rows])

    def refuse_nul(self, row: Row) -> None:
        """Raise NotPossible for a row that PostgreSQL can't hold, rather than change it."""
        for name, value in zip(self._names, row, strict=True):
            if isinstance(value, str) and "\0" in value:
                raise NotPossible(
                    f"{self.named(row)}: the column {name} holds a NUL character, which PostgreSQL can't store. "
                    "Write the text there without it, and run this again."
                )

    def _checked(self, row: Row) -> Row:
        checked = []
        for (name, wanted), value in zip(self._columns, row, strict=True):
            if value is None or type(value) is wanted:
                checked.append(value)
            elif wanted is bool and type(value) is int and value in {0, 1}:  # SQLite's flags
                checked.append(bool(value))
            else:
                raise NotPossible(
                    f"{self.named(row)}: the column {name} holds a value of type {type(value).__name__} instead of "
                    f"{wanted.__name__}, which another database wouldn't take. Write it there as {wanted.__name__}, "
                    "and run this again."
                )
        return tuple(checked)


def tally(rows: Iterable[Row]) -> Tally:
    """Count and digest rows; alike on every kind of database."""
    count, digest = 0, sha256()
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the count
        digest.update(json.dumps(row).encode() + b"\n")
    return Tally(count, digest.hexdigest())


def _stored(declared: TypeEngine[Any]) -> TypeEngine[Any]:
    return declared.impl_instance if isinstance(declared, Instant) else declared


def _type_of(declared: TypeEngine[Any]) -> type:
    stored = _stored(declared)
    if isinstance(stored, Boolean):
        return bool
    return int if isinstance(stored, Integer) else str
