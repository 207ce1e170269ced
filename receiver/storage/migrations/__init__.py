"""The schema's upgrades: which version a database has, and bringing it to this release's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError


def problem(engine: Engine) -> str | None:
    """Return what is wrong with the database's schema and how to mend it, or None."""
    if not os.path.exists((engine.url.database or "").removeprefix("file:")):  # noqa: PTH110 - raises for no folder that is closed to us
        return "The database is not set up; run `flask init`."
    try:
        found = version(engine)
    except DBAPIError as error:
        return f"Can't open the database ({error.orig}); see DATABASE_URL and the instance folder."
    if found == newest():
        return None
    if found is None:
        return "The database is not set up; run `flask init`."
    if not is_known(found):
        return _of_another_release(found)
    return f"The database has schema {found}, this release needs {newest()}; run `flask init`."


def _of_another_release(found: str) -> str:
    if found.isdigit() and int(found) < int(newest() or 0):
        return (
            f"The database has schema {found}, from before release 1.0.0, which can't be upgraded. Move the file away "
            f"and run `flask init` for a new one, or bring it to schema {newest()} first with the last version before "
            "1.0.0."
        )
    return f"The database has schema {found}, made by a newer release. Install that release again."


def version(engine: Engine) -> str | None:
    """Return the database's schema version, None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return this release's schema version."""
    return _scripts().get_current_head()


def is_known(version: str) -> bool:
    """Return whether a schema version is this release's or one that this release upgrades."""
    return version in {script.revision for script in _scripts().walk_revisions()}


def upgrade(engine: Engine) -> None:
    """Upgrade the database to this release's schema in one transaction; orders wait meanwhile."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with changing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction in which tables may be rebuilt, committed at the end."""
    # Begun as one that writes: after its first read no other writer may come before its first write.
    writing = engine.execution_options(begin="BEGIN IMMEDIATE")
    with writing.connect() as connection, _free_to_rebuild(connection), connection.begin():
        yield connection


@contextmanager
def _free_to_rebuild(connection: Connection) -> Iterator[None]:
    """Allow dropping and rebuilding a table that other rows and views refer to.

    SQLite takes the first only outside a transaction; without the second, a rename fails at a view of what was dropped.
    """
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("PRAGMA legacy_alter_table=ON")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA legacy_alter_table=OFF")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))
