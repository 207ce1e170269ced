"""What a backup keeps of the instance folder: all files but those of the one list here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from receiver.app import private_paths

#: What isn't kept, by its name at the top of the folder: the database, which is copied by itself, and its old copies,
#: emails that were saved as files, a lock that's empty, what a restore moved aside or was unpacking, the kit's own.
_NOT_KEPT = (
    *("receiver.sqlite*", "outbox", "write.lock", "before-restore-*", ".restore-*"),
    *("README.md", "config.toml.example", ".gitignore"),
)
#: What isn't kept anywhere in it.
_NOWHERE = "__pycache__"


def entries(instance: Path, database: Path | None) -> list[Path]:
    """Return what's kept at the top of the folder; the database may have another name there."""
    of_database = {*private_paths.of_database(database), *private_paths.copies_of(database)}
    found = (path for path in sorted(instance.iterdir()) if path not in of_database)
    return [path for path in found if not any(fnmatch(path.name, one) for one in (*_NOT_KEPT, _NOWHERE))]


def files(instance: Path, database: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield each file that's kept, with its path from the folder on. Links are followed; what they lead to counts."""
    for top in entries(instance, database):
        for path in _below(top, frozenset()):
            yield path.relative_to(instance).as_posix(), path


def _below(path: Path, above: frozenset[str]) -> Iterator[Path]:
    if path.is_file():
        yield path
    real = os.path.realpath(path)
    if path.is_dir() and real not in above:  # a link may lead to a folder that it's in
        for one in sorted(path.iterdir()):
            if one.name != _NOWHERE:
                yield from _below(one, above | {real})
