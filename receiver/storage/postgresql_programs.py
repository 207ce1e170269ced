"""PostgreSQL's own programs: pg_dump copies a database, pg_restore puts it back."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL

from receiver.errors import ConfigurationError


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


def _done(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - found above
        command, env={**os.environ, **environment}, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise ConfigurationError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout
