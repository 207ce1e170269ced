"""What in the instance only its owner may read: repaired at start, named where it can't be."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISVTX

from receiver.settings import secret_key
from receiver.settings.model import FILE

_OTHERS, _OTHERS_WRITE = 0o077, 0o022
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


def exposed(instance: Path, database: Path | None) -> Iterator[str]:
    """Yield a sentence with the fix for each secret and personal data that other users can read, or replace.

    A folder of the database's own is the merchant's to close: something else may need it.
    """
    for path in _open_ones(instance, database):
        yield f"other users can read {path}. Run: chmod go= {path}"
    if database and database.parent != instance and _others_may_replace_files(database.parent):
        folder = database.parent
        yield f"other users can replace the database, as they may write to {folder}. Run: chmod go-w {folder}"


def _others_may_replace_files(folder: Path) -> bool:
    """Return whether others may write to a folder that isn't sticky: there, each may only replace files of theirs."""
    with suppress(OSError):  # it's not there
        mode = folder.stat().st_mode
        return bool(mode & _OTHERS_WRITE) and not mode & S_ISVTX
    return False


def of_database(database: Path | None) -> list[Path]:
    """Return the paths of SQLite's database and the files beside it; none for a database on a server."""
    return [database.with_name(database.name + suffix) for suffix in _BESIDE] if database else []


def copies_of(database: Path | None) -> list[Path]:
    """Return the copies of SQLite's database that an upgrade or a restore left beside it."""
    return sorted(database.parent.glob(f"{glob.escape(database.name)}.before-*")) if database else []


def _open_ones(instance: Path, database: Path | None) -> Iterator[Path]:
    """Yield what others may read or change. Handlers and templates are neither secret nor personal.

    The emails in outbox/ are private by their folder, which may hold a hundred thousand.
    """
    ours = (instance, *(instance / name for name in (secret_key.FILE, FILE, "outbox")))
    for path in (*ours, *of_database(database), *copies_of(database)):
        with suppress(OSError):  # it's not there
            if path.stat().st_mode & _OTHERS:
                yield path
