"""Rebuild a table, as SQLite needs it for most changes, without losing what the merchant added to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import BatchOperations, Operations
from sqlalchemy import Connection, text

from receiver.errors import ConfigurationError

#: Where any word may stand: text, quoted names, comments.
_QUOTED = re.compile(r"""'[^']*+'?|"[^"]*+"?|`[^`]*+`?|\[[^\]]*+\]?|--[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?""")
#: What a rebuild would drop from a table's own statement.
_WOULD_BE_LOST = re.compile(r"\b(?:CHECK|COLLATE\s+\w*|ON\s+CONFLICT\s+\w+|STRICT)(?!\w)", re.IGNORECASE)
_ODD_COLUMNS = text("SELECT name, hidden FROM pragma_table_xinfo(:of) WHERE hidden IN (2, 3) OR type = ''")
_OWN = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :of")
_BESIDE = text(
    "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = :of AND type IN ('index', 'trigger') AND sql NOTNULL"
)


@contextmanager
def rebuilt(operations: Operations, table: str, **options: Any) -> Iterator[BatchOperations]:
    """Build a table again with the block's changes; its indexes, its triggers and all views stay as they are.

    Raises ConfigurationError, before anything is changed, for what can't be kept.
    """
    connection = operations.get_bind()
    _refuse_to_lose(connection, table)
    beside = connection.execute(_BESIDE, {"of": table}).all()
    for kind, name, _ in beside:
        connection.exec_driver_sql(f'DROP {kind} "{name.replace(chr(34), chr(34) * 2)}"')
    with operations.batch_alter_table(table, recreate="always", table_kwargs=options) as batch:
        yield batch
    for _, _, statement in beside:
        connection.exec_driver_sql(statement)


def _refuse_to_lose(connection: Connection, table: str) -> None:
    odd = connection.execute(_ODD_COLUMNS, {"of": table})
    found = [
        f"the {'generated ' if hidden else ''}column {name}{'' if hidden else ' without a type'}"
        for name, hidden in odd
    ]
    statement = _QUOTED.sub("", connection.scalar(_OWN, {"of": table}) or "")
    found += [" ".join(lost.split()).upper() for lost in _WOULD_BE_LOST.findall(statement)]
    if found:
        raise ConfigurationError(
            f"This release needs the table {table} in another form, and what was added to it would be lost: "
            f"{', '.join(dict.fromkeys(found))}. Nothing was changed. Take it out of the table, run `flask init`, and "
            "add it again."
        )
