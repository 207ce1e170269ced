"""The index of the orders' texts by each three letters in a row: FTS5 of SQLite, pg_trgm of PostgreSQL.

Without one, a search reads all texts. Triggers keep FTS5's table like `order_search`, and what's deleted is taken out
of its pages at once: https://sqlite.org/fts5.html#the_secure_delete_configuration_option
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, column, inspect, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from receiver.storage.columns import table_of
from receiver.storage.models import SearchRow
from receiver.storage.sqlite import driver

#: Letters of each part that's looked up.
LETTERS = 3
#: FTS5's table; it keeps its pages in others, whose names begin so too.
FTS5 = "order_trigrams"
_GIN = "ix_order_search_trigrams"
#: Before it, what's deleted stays in the pages of FTS5 for long.
_SINCE = (3, 42)
_TAKE_OUT = f"INSERT INTO {FTS5} ({FTS5}, rowid, text) SELECT 'delete', old.id, old.text WHERE old.text IS NOT NULL"
_PUT_IN = f"INSERT INTO {FTS5} (rowid, text) SELECT new.id, new.text WHERE new.text IS NOT NULL"
_TRIGGERS = {
    f"{FTS5}_added": f"AFTER INSERT ON order_search BEGIN {_PUT_IN}; END",
    f"{FTS5}_removed": f"AFTER DELETE ON order_search BEGIN {_TAKE_OUT}; END",
    f"{FTS5}_changed": f"AFTER UPDATE OF text ON order_search BEGIN {_TAKE_OUT}; {_PUT_IN}; END",
}
_OPTIONS = "content='order_search', content_rowid='id', columnsize=0, detail='none', tokenize='trigram'"
_MAKE_FTS5 = (
    f"CREATE VIRTUAL TABLE {FTS5} USING fts5(text, {_OPTIONS})",
    f"INSERT INTO {FTS5} ({FTS5}, rank) VALUES ('secure-delete', 1)",  # noqa: S608 - names of ours
    f"INSERT INTO {FTS5} ({FTS5}) VALUES ('rebuild')",  # noqa: S608
    *(f"CREATE TRIGGER {name} {what}" for name, what in _TRIGGERS.items()),
)
_DROP_FTS5 = (*(f"DROP TRIGGER {name}" for name in _TRIGGERS), f"DROP TABLE {FTS5}")
_HAS_FTS5 = text("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
_MAKE_GIN = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX {_GIN} ON order_search USING gin (text gin_trgm_ops)",
)


class Index(NamedTuple):
    """The columns that a search reads."""

    id: Any
    text: Any


def index(session: Session) -> Index:
    """Return what a search reads: FTS5's table where there is one. A server looks into its index by itself."""
    if session.connection().dialect.name == "sqlite" and is_made(session.connection()):
        made = table(FTS5, column("rowid"), column("text"))
        return Index(made.c.rowid, made.c.text)
    texts = table_of(SearchRow)
    return Index(texts.c.id, texts.c.text)


def is_made(connection: Connection) -> bool:
    """Return whether the texts have an index, or a search reads them all."""
    if connection.dialect.name == "sqlite":
        return inspect(connection).has_table(FTS5)
    return inspect(connection).has_index("order_search", _GIN)


def make(connection: Connection) -> None:
    """Make the index if this database can have one, and remove one that this SQLite can't keep."""
    if connection.dialect.name != "sqlite":
        if not is_made(connection):
            _make_gin(connection)
        return
    can_have_one = driver.sqlite_version_info >= _SINCE and connection.scalar(_HAS_FTS5) is not None
    if can_have_one != is_made(connection):
        for statement in _MAKE_FTS5 if can_have_one else _DROP_FTS5:
            connection.execute(text(statement))


def _make_gin(connection: Connection) -> None:
    """Make it, unless the server doesn't have pg_trgm or doesn't let us use it."""
    try:
        with connection.begin_nested():
            for statement in _MAKE_GIN:
                connection.execute(text(statement))
    except DBAPIError:
        return
