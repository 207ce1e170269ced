"""Write a file that only its owner can read: whole or not at all."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def write(path: Path, text: str, *, replace: bool = False) -> bool:
    """Write a file and sync it to disk; False, and nothing done, when it's there and not to be replaced.

    Whoever looks sees all of the text or no file. Raises OSError, which names the file, and then leaves nothing.
    """
    try:
        return _write(path, text, replace=replace)
    except OSError as error:  # that of a full disk has no file name
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(path: Path, text: str, *, replace: bool) -> bool:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # of two that start at once, the second finds the first one's file
        if os.path.lexists(path) and not replace:
            return False
        temporary = path.with_name(f".{path.name}.new")
        temporary.unlink(missing_ok=True)
        try:
            _write_synced(temporary, text)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        os.fsync(folder)
        return True
    finally:
        os.close(folder)


def _write_synced(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
