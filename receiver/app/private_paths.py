"""What in the instance only its owner may read: repaired at start, named where it can't be."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

from receiver.settings import secret_key
from receiver.settings.model import FILE

_OTHERS = 0o077
#: Suffixes of the database and of the files that SQLite keeps beside it.
_BESIDE = ("", "-wal", "-shm", "-journal")


def repair(instance: Path, database: Path | None) -> None:
    """Take from all other users what they may do with secrets and personal data, wherever the system lets us.

    What a link leads to is outside of the instance, and stays as it is.
    """
    for path in _open_ones(instance, database):
        if not path.is_symlink():
            with suppress(OSError):
                path.chmod(S_IMODE(path.stat().st_mode) & ~_OTHERS)


def readable(instance: Path, database: Path | None) -> Iterator[str]:
    """Yield a sentence with the fix for each secret and personal data that other users can read."""
    for path in _open_ones(instance, database):
        yield f"other users can read {path}. Run: chmod go= {path}"


def of_database(database: Path | None) -> list[Path]:
    """Return the paths of SQLite's database and the files beside it; none for a database on a server."""
    return [database.with_name(database.name + suffix) for suffix in _BESIDE] if database else []


def _open_ones(instance: Path, database: Path | None) -> Iterator[Path]:
    """Yield what others may read or change. Handlers and templates are neither secret nor personal.

    The emails in outbox/ are private by their folder, which may hold a hundred thousand.
    """
    backups = database.parent.glob(f"{glob.escape(database.name)}.before-*") if database else ()
    ours = (instance, *(instance / name for name in (secret_key.FILE, FILE, "outbox")))
    for path in (*ours, *of_database(database), *sorted(backups)):
        with suppress(OSError):  # it's not there
            if path.stat().st_mode & _OTHERS:
                yield path
