"""PostgreSQL's own programs: pg_dump copies a database, pg_restore puts it back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from receiver.errors import ConfigurationError
from receiver.storage import postgresql

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' "
    "AND pid <> pg_backend_pid()"
)
_GOING_SECONDS = 2.0


def found(program: str, what: str) -> str:
    """Return where a program is; raises ConfigurationError, which says what needs it."""
    path = shutil.which(program)
    if path is None:
        raise ConfigurationError(f"{what} takes {program}; install it (Debian: postgresql-client).")
    return path


def run(url: URL, program: str, *arguments: str) -> None:
    """Run a program on a database; raises ConfigurationError with what it said. The password isn't among its words."""
    plain = url.set(drivername="postgresql")
    password = {"PGPASSWORD": url.password} if url.password else {}
    _done([program, *arguments, f"--dbname={plain.set(password=None)}"], password)


def listed(dump: Path) -> str:
    """Return what a dump holds, one line each; raises ConfigurationError for a file that's no dump."""
    return _done([found("pg_restore", "A backup of PostgreSQL"), "--list", str(dump)], {})


def restore(engine: Engine, dump: Path) -> None:
    """Put a dump into an empty database that nobody else uses, all or nothing of it; raises ConfigurationError."""
    program = found("pg_restore", "To restore PostgreSQL")
    with postgresql.translated_errors(), engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        others = _others(connection)
    engine.dispose()
    if tables:
        raise ConfigurationError(
            f"{_shown(engine)} isn't empty: it has the table {min(tables)}. Name an empty database in DATABASE_URL, or "
            "in RECEIVER_DATABASE_URL, which comes before that of config.toml."
        )
    if others:
        raise ConfigurationError(f"Others use {_shown(engine)} (connections: {others}). Stop them, and run it again.")
    try:
        run(engine.url, program, "--single-transaction", "--exit-on-error", "--no-owner", "--no-comments", str(dump))
    except ConfigurationError as error:
        raise ConfigurationError(f"{_shown(engine)} can't be restored ({error}); nothing was changed.") from error


def _others(connection: Connection) -> int:
    """Return how many others are connected; the server takes a moment to see that one has gone."""
    deadline = time.monotonic() + _GOING_SECONDS
    while others := connection.scalar(_OTHERS) or 0:
        if time.monotonic() > deadline:
            break
        connection.rollback()  # a transaction would see the same again
        time.sleep(0.05)
    return others


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _done(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - found above
        command, env={**os.environ, **environment}, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise ConfigurationError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout
