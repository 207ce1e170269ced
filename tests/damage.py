"""Databases that are not as they should be: another schema, a damaged page."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from receiver.app.components import Kit
from receiver.storage.database import Database

#: A column that no order fills, as an edited migration left it behind.
NEVER_FILLED = "ALTER TABLE orders ADD COLUMN receipt TEXT NOT NULL"
#: So many that the index of their keys has several pages.
_FILL = """
    INSERT INTO orders
    (source, key, test, encoding, fields, fields_digest, notes, proof, fingerprint, received_at, state)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    SELECT 'shopintegrator', 'evt_' || i, 0, '', '[]', '', '[]', '', '', 1, 'ignored' FROM n
"""
_INDEX_LEAF = b"\x0a"
#: What a merchant may add to a table, and how each stands in the schema afterwards.
ADDED = (
    "CREATE VIEW {table}_view AS SELECT id FROM {table}",
    'CREATE TRIGGER "a ""quoted"" trigger" AFTER INSERT ON {table} BEGIN UPDATE administrator SET id = 1; END',
    "CREATE INDEX by_expression ON {table} (abs(id))",
    "CREATE INDEX downwards ON {table} (id DESC)",
    "CREATE UNIQUE INDEX by_part ON {table} (id COLLATE NOCASE) WHERE id > 7",
)
#: Columns that a rebuild would lose, and how each is named.
LOST = {
    "double INTEGER AS (id * 2)": "the generated column double",
    "a TEXT CHECK (a <> 'CHECK')": "CHECK",
    "a TEXT COLLATE NOCASE": "COLLATE NOCASE",
    "anything": "the column anything without a type",
}


def change(kit: Kit, statement: str) -> None:
    """Change the schema, or rows."""
    with kit.database.write() as session:
        session.execute(text(statement))


def fill(kit: Kit) -> None:
    """Put orders with the keys evt_1 to evt_2000 into the file itself; in their index evt_999 comes last."""
    change(kit, _FILL)
    kit.database.empty_log()


def page_of(kit: Kit, key: bytes) -> tuple[Path, int, bytes]:
    """Find the page of the unique index that holds a key: the file, where it begins, what it holds."""
    path = Path(str(kit.database.engine.url.database))
    with kit.database.read() as session:
        size = session.scalar(text("PRAGMA page_size"))
    content = path.read_bytes()
    for start in range(0, len(content), size):
        page = content[start : start + size]
        if page.startswith(_INDEX_LEAF) and b"shopintegrator" + key in page:
            return path, start, page
    raise AssertionError(f"no page of an index holds {key!r}")


def damage_the_page_of(kit: Kit, key: bytes) -> None:
    """Overwrite a page of the unique index, and drop the connections that may have read it."""
    path, start, page = page_of(kit, key)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"?" * len(page))
    kit.database.engine.dispose()


def beside_tables(database: Database) -> set[tuple[str, str]]:
    """Give every index, trigger and view with its statement."""
    with database.read() as session:
        statements = text("SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql NOTNULL")
        return {(name, sql) for name, sql in session.execute(statements)}
