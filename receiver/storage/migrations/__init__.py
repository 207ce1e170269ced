"""The schema's version: make a new database from the models, upgrade one that exists.

To change a table, change its model and add ``versions/0018_what_changes.py``: its ``revision`` is "0018", its
``down_revision`` the one before, and its ``upgrade()`` makes the same change to a database that exists, with
``alembic.op`` or, for what SQLite can't alter, with ``rebuilding.rebuilt``. ``tests/storage/test_migrations.py``
upgrades the schema of 1.0.0 and compares it with a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from receiver.storage import account_models, clock, models, processes, relay_models, safekeeping
from receiver.storage.columns import Base
from receiver.storage.database import Database
from receiver.storage.search import trigrams

#: Alembic's folder: ``env.py`` and ``versions``.
FOLDER = Path(__file__).parent
#: PostgreSQL's advisory lock of those who change the schema.
_CHANGING = 1_869_771_879
_COPY = "copy-"
_AND_THE_FOLDER = " and the instance folder"
#: What has to be imported for `Base.metadata` to have every table.
_DECLARE_TABLES = (account_models, clock, models, processes, relay_models, safekeeping)


def problem(database: Database) -> str | None:
    """Return what's wrong with the database's schema and how to fix it, or None."""
    try:
        found = version(database.engine) if database.exists() else None
    except DBAPIError as error:
        first_line, _, _ = str(error.orig).strip().partition("\n")
        return f"Can't open the database ({first_line}); see DATABASE_URL{_AND_THE_FOLDER if database.path else ''}."
    if found is None:
        return "The database isn't set up; run `flask init`."
    if found == newest():
        return None
    if found.startswith(_COPY):
        return "The database is a copy that isn't complete; run the same `flask database copy` again."
    if is_known(found):
        return f"The database has schema {found}, this release needs {newest()}; run `flask init`."
    if found > (oldest := _scripts().get_base() or ""):
        return f"The database has schema {found}, made by a newer release. Install that release again."
    return (
        f"The database has schema {found}, from before release 1.0.0, which can't be upgraded. Move the file away "
        f"and run `flask init` for a new one, or bring it to schema {oldest} first with the last version before 1.0.0."
    )


def version(engine: Engine) -> str | None:
    """Return the database's schema version, None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return this release's schema version."""
    return _scripts().get_current_head()


def of_copy() -> str:
    """Return what a copy has as its version until it's complete and verified, so that nothing works with half of it."""
    return f"{_COPY}{newest()}"


def is_known(version: str) -> bool:
    """Return whether a schema version is this release's or one that this release upgrades."""
    return version in {script.revision for script in _scripts().walk_revisions()}


def upgrade(engine: Engine) -> None:
    """Make the tables of a new database, or upgrade those it has, in one transaction; orders wait meanwhile."""
    with changing(engine) as connection:
        context = MigrationContext.configure(connection)
        # Read inside the transaction: of two processes that set up one folder, the second finds the first one's tables.
        if context.get_current_revision() is None:
            _make_tables(connection)
            context.stamp(_scripts(), "head")
        else:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(FOLDER))
            command.upgrade(config, "head")
        trigrams.make(connection)


def _make_tables(connection: Connection) -> None:
    # Not by ``create_all``: it takes the indexes in no order, and between equal ones SQLite prefers the one made last.
    for table in Base.metadata.sorted_tables:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection)


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction in which tables may be rebuilt, committed at the end."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            # Of two processes that set up one database, the second waits for the first.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHANGING})
            yield connection
        return
    # Begun as one that writes: after its first read no other writer may come before its first write.
    writing = engine.execution_options(begin="BEGIN IMMEDIATE")
    with writing.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        # A table is rebuilt by dropping it: neither may rows that refer to it go, which SQLite takes only outside a
        # transaction, nor may the new one's renaming fail at a view of the old one.
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("PRAGMA legacy_alter_table=ON")
        try:
            with connection.begin():
                yield connection
        finally:
            raw.execute("PRAGMA foreign_keys=ON")
            raw.execute("PRAGMA legacy_alter_table=OFF")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(FOLDER))
