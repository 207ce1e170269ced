"""Check the database: SQLite's version, the file, the schema, and whether a row can be written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding, ok, warning, wrong
from receiver.app.readiness import prove_writable
from receiver.errors import Unavailable
from receiver.storage import migrations, sqlite
from receiver.storage.migrations import comparison
from receiver.storage.search import trigrams

#: Seconds allowed for checking the orders and their indexes, and again for everything: 2 GB take about 5.
_SECONDS = 30.0
#: SQLite asks whether to go on after this many of its steps.
_STEPS = 10_000
_ABOUT_THE_SERVER = text("SELECT current_setting('server_version'), current_setting('fsync')")
#: SQLite's words for an index that doesn't match its table; anything else is worse.
_OF_AN_INDEX = re.compile(r"(row \d+ missing from|wrong # of entries in|non-unique entry in) index ")


def database(kit: Kit) -> Iterator[Finding]:
    """Report the database's version and mode, check that SQLite's file is intact, and commit a row."""
    is_file = kit.database.path is not None
    yield from _of_sqlite() if is_file else _of_postgresql(kit)
    found = [wrong("database", problem) for problem in kit.obstacles.look()] or [*_schema(kit)]
    yield from found
    if migrations.problem(kit.database):
        return
    yield from _search(kit)
    damaged = [*_damage(kit)] if is_file else []
    yield from damaged
    if not any(finding.state == "wrong" for finding in (*found, *damaged)):
        prove_writable(kit.database, patience=5)
        whole = "intact, every index matches its table, " if is_file and not damaged else ""
        yield ok("database", f"schema {migrations.newest()}, {whole}a row was written and committed")


def _of_sqlite() -> Iterator[Finding]:
    version, mode = sqlite.driver.sqlite_version, sqlite.journal_mode()
    why = "" if mode == "wal" else " (slower, but safe: this SQLite can lose commits in WAL mode)"
    yield ok("sqlite", f"{version} in {mode} mode, full sync{why}")


def _of_postgresql(kit: Kit) -> Iterator[Finding]:
    """Report the server's version, and a setting by which a crash of its machine could lose commits."""
    try:
        with kit.database.read() as session:
            version, fsync = session.execute(_ABOUT_THE_SERVER).one()
    except Unavailable as error:
        yield wrong("postgresql", str(error))
        return
    if fsync == "on":
        yield ok("postgresql", f"{version}, each commit is synced")
    else:
        yield wrong("postgresql", f"{version} with fsync off: a crash can lose orders; set fsync = on on the server")


def _search(kit: Kit) -> Iterator[Finding]:
    """Report that the search has no index, and what would give it one."""
    with kit.database.read() as session:
        if trigrams.is_made(session.connection()):
            return
    step = "have its administrator run CREATE EXTENSION pg_trgm; there"
    if kit.database.path:
        step = "it takes SQLite 3.42 or newer with FTS5: pip install pysqlite3"
    yield warning("search", f"has no index, so it reads all orders; {step}, and then run `flask init`")


def _schema(kit: Kit) -> Iterator[Finding]:
    """Report each difference between the database's schema and this release's."""
    with kit.database.translated_errors():
        found = comparison.differences(kit.database.engine)
    for difference in found:
        step = "run `flask init`" if difference.is_too_strict else "restore a backup, see “Back up and upgrade” in Help"
        yield wrong("database", f"the schema doesn't match this release: {difference.text}; {step}")


def _damage(kit: Kit) -> Iterator[Finding]:
    """Check the orders and their indexes first, since an index recognises duplicates, and then everything."""
    for pragma, what in (("integrity_check(orders)", "the orders"), ("integrity_check", "the database")):
        said = _said(kit, pragma)
        if said is None:
            yield warning("database", f"couldn't check {what} within {_SECONDS:.0f} s. No problem found so far")
        elif said != ["ok"]:
            yield wrong("database", _what_is_damaged(said))
            return


def _said(kit: Kit, pragma: str) -> list[str] | None:
    """Return the lines of SQLite's verdict, or None if the check takes too long."""
    deadline = time.monotonic() + _SECONDS
    try:
        with kit.database.read() as session:
            raw: Any = session.connection().connection.dbapi_connection
            raw.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            try:
                return [line for (text,) in raw.execute(f"PRAGMA {pragma}").fetchall() for line in text.splitlines()]
            finally:
                raw.set_progress_handler(None, 0)
    except Unavailable as error:
        if time.monotonic() > deadline:
            return None
        return [str(error)]


def _what_is_damaged(said: list[str]) -> str:
    if all(_OF_AN_INDEX.match(line) for line in said):
        return (
            f"an index doesn't match its table ({said[0]}), so an order may be stored twice or not found. Stop the "
            'server and run: sqlite3 receiver.sqlite REINDEX. If that says "UNIQUE constraint failed", an order was '
            "stored twice already: restore a backup, see “Back up and upgrade” in Help"
        )
    return "the file is damaged; restore a backup, see “Back up and upgrade” in Help"
