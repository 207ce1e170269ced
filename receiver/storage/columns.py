"""What all tables share: instants, receipts, names of constraints, the columns of a durable job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Case, Dialect, Index, Integer, MetaData, Table, Text, TypeDecorator, case
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: ``INSERT`` with ``ON CONFLICT``: SQLite took the clause from PostgreSQL, and SQLAlchemy writes this one for both.
upsert = postgresql.insert


class _TextOfPostgreSQL(TypeDecorator[str]):
    """Text without NUL, which PostgreSQL refuses; what's stored has none, but somebody may search for it.

    It's compared by its bytes, as in SQLite: a server's own order of letters would find other rows in a range.
    """

    impl = Text(collation="C")
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Replace NUL by the sign for what can't be shown."""
        return None if value is None else value.replace("\0", "\ufffd")


_TEXT = Text().with_variant(_TextOfPostgreSQL(), "postgresql")
#: Of 64 bits; SQLite has only those, and knows an id by this name alone.
_WHOLE_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
#: Default of a count.
ZERO = sql("0")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as milliseconds since 1970 UTC: sortable and exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Store an aware datetime."""
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Read back, aware UTC."""
        return None if value is None else _EPOCH + value * _MILLISECOND


def milliseconds(when: datetime) -> int:
    """Return the stored form of an aware datetime: whole milliseconds since 1970 UTC, never rounded up."""
    return (when - _EPOCH) // _MILLISECOND


def larger(one: Any, other: Any) -> Case[Any]:
    """Return the larger of two columns or values, neither of them null."""
    return case((one > other, one), else_=other)


def receipt_of(pk: int) -> str:
    """Return the receipt of the order with this primary key."""
    return f"rcp_{pk:08d}"


def pk_of(receipt: str) -> int:
    """Return the primary key of the order with this receipt, which `receipt_of` made."""
    return int(receipt.removeprefix("rcp_"))


#: For tables whose ids are shown, mailed or kept elsewhere: without it SQLite gives a deleted row's id again.
#: Orders need none: none of their rows is deleted, and with it every copy would use up a receipt.
NEVER_AGAIN = {"sqlite_autoincrement": True}


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Make an index of the rows that meet a condition alone, on each kind of database that has such indexes."""
    return Index(name, *columns, sqlite_where=sql(where), postgresql_where=sql(where))


class Base(DeclarativeBase):
    """The tables' metadata; every constraint is named, so that migrations can refer to it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, str: _TEXT, int: _WHOLE_NUMBER}  # noqa: RUF012 - SQLAlchemy's own form


class Job:
    """The columns of every durable job: state, attempts, due time, and the lease of the current run."""

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=ZERO, default=0)
    due_at: Mapped[datetime | None]
    lease_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]


def table_of(model: type[Any]) -> Table:
    """Return a model's table, for statements that need no session."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - it's mapped to one
    return table
