"""Compare the database's schema with the models, and loosen what's too strict."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import chain
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from receiver.storage.columns import Base
from receiver.storage.migrations import changing
from receiver.storage.migrations.rebuilding import rebuilt

#: What a change that would be needed says about its subject.
_IS = {"add": "is missing", "remove": "isn't this release's"}


@dataclass(frozen=True)
class Difference:
    """One difference between the database and this release's models."""

    table: str
    #: Empty where a whole table, an index or a constraint differs.
    column: str
    text: str
    #: Whether the database demands a value that this release doesn't give, so that it refuses rows.
    is_too_strict: bool = False


def differences(engine: Engine) -> list[Difference]:
    """Compare; tables, indexes and columns that handlers or the merchant added are theirs."""
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")  # none of ours
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_object": _is_ours}
        )
        found = compare_metadata(context, Base.metadata)
    # Changes of one column come in a list of their own.
    changes = chain.from_iterable(change if isinstance(change, list) else [change] for change in found)
    return [difference for change in changes if (difference := _described(*change))]


def loosen(engine: Engine, found: list[Difference]) -> None:
    """Rebuild the tables of what's too strict, so that the columns may be empty; all that they hold stays."""
    with changing(engine) as connection:
        operations = Operations(MigrationContext.configure(connection))
        for difference in found:
            if engine.dialect.name != "sqlite":
                operations.alter_column(difference.table, difference.column, nullable=True)
                continue
            counts_on = Base.metadata.tables[difference.table].dialect_options["sqlite"]["autoincrement"]
            with rebuilt(operations, difference.table, sqlite_autoincrement=counts_on) as table:
                table.alter_column(difference.column, nullable=True)


def _is_ours(_item: Any, _name: str | None, kind: str, is_reflected: bool, counterpart: Any) -> bool:
    return not (is_reflected and counterpart is None and kind in {"table", "index"})


def _described(kind: str, *about: Any) -> Difference | None:
    """Describe one of the changes that Alembic would make to the database; None for one that doesn't matter."""
    verb, _, what = kind.partition("_")
    if what in {"table", "index", "constraint", "fk"}:
        (item,) = about
        return Difference(getattr(item, "table", item).name, "", f"the {what} {item.name} {_IS[verb]}")
    _, table, column, *_ = about
    name = getattr(column, "name", column)
    if kind == "remove_column":
        if column.nullable or column.server_default is not None:
            return None  # rows can do without it
        return Difference(table, name, f"{table}.{name} {_IS[verb]} and must be filled", is_too_strict=True)
    if kind != "modify_nullable":
        text = _IS[verb] if verb == "add" else f"has another {what}"
        return Difference(table, name, f"{table}.{name} {text}")
    is_too_strict = bool(about[-1])  # it may be empty in this release
    text = "must be filled, and isn't always" if is_too_strict else "may be empty, and shouldn't"
    return Difference(table, name, f"{table}.{name} {text}", is_too_strict)
