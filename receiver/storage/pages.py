"""Long lists: newest first, one page at a time, searched by how a text begins."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, and_, select

#: Rows on a page.
SIZE = 50
_LAST_LETTER = "\U0010ffff"


class _HasId(Protocol):
    id: Any


Row = TypeVar("Row", bound=_HasId)


def newest(table: type[Row], *conditions: Any, before: int | None = None, **filters: str | bool | None) -> Select[Row]:
    """Select rows, newest first: those equal to each filter that isn't empty, those before an id."""
    statement = select(table).where(*conditions).order_by(table.id.desc())
    for name, value in filters.items():
        if value not in {None, ""}:
            statement = statement.where(_is(getattr(table, name), value))
    return statement if before is None else statement.where(table.id < before)


def begins_with(column: Any, prefix: str) -> ColumnElement[bool]:
    """Return the condition that a text begins so; unlike LIKE it uses the column's index in SQLite."""
    return and_(column >= prefix, column < prefix + _LAST_LETTER)


def _is(column: Any, value: str | bool | None) -> ColumnElement[bool]:
    # SQLite uses the index of a flag for IS alone.
    return column.is_(value) if isinstance(value, bool) else column == value  # type: ignore[no-any-return]
