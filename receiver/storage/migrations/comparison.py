"""The database's schema against the models: what differs in a way that matters, and loosening what is too strict."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from receiver.storage.columns import Base
from receiver.storage.migrations import changing
from receiver.storage.migrations.rebuilding import rebuilt

#: What a change that would be needed says of what it is about.
_IS = {"add": "is missing", "remove": "is not this release's"}


@dataclass(frozen=True)
class Difference:
    """One difference between the database and this release's models."""

    table: str
    #: Empty where a whole table, an index or a constraint differs.
    column: str
    text: str
    #: Whether the database demands a value that this release does not give, so that it refuses rows.
    is_too_strict: bool = False


def differences(engine: Engine) -> list[Difference]:
    """Compare; tables, indexes and columns that handlers or the merchant have added are theirs."""
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")  # none of ours
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_object": _is_ours}
        )
        return [found for one in _flat(compare_metadata(context, Base.metadata)) if (found := _described(one))]


def loosen(engine: Engine, found: list[Difference]) -> None:
    """Rebuild the tables of what is too strict, so that the columns may be empty; all that they hold stays."""
    with changing(engine) as connection:
        operations = Operations(MigrationContext.configure(connection))
        for difference in found:
            counts_on = Base.metadata.tables[difference.table].dialect_options["sqlite"]["autoincrement"]
            with rebuilt(operations, difference.table, sqlite_autoincrement=counts_on) as table:
                table.alter_column(difference.column, nullable=True)


def _is_ours(_item: Any, _name: str | None, kind: str, is_reflected: bool, counterpart: Any) -> bool:
    return not (is_reflected and counterpart is None and kind in {"table", "index"})


def _flat(found: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield each change by itself; those of one column come in a list."""
    for one in found:
        yield from one if isinstance(one, list) else [one]


def _described(change: tuple[Any, ...]) -> Difference | None:
    kind = change[0]
    if kind == "remove_column":
        return _of_another(change[2], change[3])
    if kind == "add_column":
        return Difference(change[2], change[3].name, f"{change[2]}.{change[3].name} is missing")
    if kind == "modify_nullable":
        return _of_emptiness(change[2], change[3], may_be_empty=change[6])
    if kind.startswith("modify_"):
        return Difference(change[2], change[3], f"{change[2]}.{change[3]} has another {kind.removeprefix('modify_')}")
    table = getattr(change[1], "table", change[1]).name
    verb, _, what = kind.partition("_")
    return Difference(table, "", f"the {what} {change[1].name} {_IS[verb]}")


def _of_another(table: str, column: Any) -> Difference | None:
    """Describe a column that this release does not know: it matters only where it must be filled."""
    if column.nullable or column.server_default is not None:
        return None
    return Difference(table, column.name, f"{table}.{column.name} is not this release's and must be filled", True)


def _of_emptiness(table: str, column: str, *, may_be_empty: bool) -> Difference:
    words = "must be filled, and is not always" if may_be_empty else "may be empty, and should not"
    return Difference(table, column, f"{table}.{column} {words}", is_too_strict=may_be_empty)
