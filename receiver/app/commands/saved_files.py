"""The files of saved bodies that commands are given: opened to be sought in, also standard input, and their bodies."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from receiver.app.components import Kit
from receiver.orders.saved_bodies import Limits, Saved, saved_bodies


def limits(kit: Kit) -> Limits:
    """Return the most that a body may have, as for a POST."""
    return Limits(kit.settings.MAX_BODY_BYTES, kit.settings.MAX_FIELDS)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read; ``-`` is a temporary copy, without a name, of standard input."""
    if str(path) != "-":
        with path.open("rb") as file:
            yield file
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def bodies(kit: Kit, paths: Sequence[Path], source: str) -> Iterator[Saved]:
    """Yield the bodies of files and folders; where there are several files, a body's place begins with its file."""
    files = [file for path in paths for file in _files(path)]
    for path in files:
        with opened(path) as file:
            found = kit.sources.get(source)
            for body in saved_bodies(file, found.mapping, limits(kit), found.columns):
                names = [str(path)] if len(files) > 1 or not body.place else []
                yield body._replace(place=", ".join(filter(None, [*names, body.place])))


def _files(path: Path) -> list[Path]:
    """Return the files of a folder in the order of their names, hidden ones left out, or the file itself."""
    return sorted(one for one in path.rglob("[!.]*") if one.is_file()) if path.is_dir() else [path]
