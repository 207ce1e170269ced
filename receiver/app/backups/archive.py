"""The form of an archive: a manifest first, then the database and the instance's files, compressed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from receiver.errors import NotPossible

#: The name of the manifest and of the database, and the folder of the instance's files.
MANIFEST, DATABASE, INSTANCE = "manifest.json", "database", "instance"
_FORMAT = 1
_MOST_MANIFEST_BYTES = 16 * 1024 * 1024
_PIECE = 1024 * 1024
#: What reading raises for something else than an archive of ours, or for half of one.
_BROKEN = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
)


@dataclass(frozen=True)
class Entry:
    """One file of an archive."""

    size: int
    sha256: str
    #: Whether its owner may run it.
    runs: bool = False


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself."""

    #: Of the kit, and of the database's schema.
    version: str
    schema: str
    #: ``sqlite`` or ``postgresql``.
    store: str
    made_at: str
    orders: int
    #: Each file but the manifest, by its name in the archive.
    files: dict[str, Entry] = field(default_factory=dict)
    format: int = _FORMAT


def describe(path: Path) -> Entry:
    """Return size and digest of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        status = os.fstat(file.fileno())
    return Entry(status.st_size, sha256, bool(status.st_mode & 0o100))


def write(file: IO[bytes], manifest: Manifest, folder: Path) -> None:
    """Write an archive of the files that the manifest names, which are in the folder."""
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
        content = json.dumps(asdict(manifest), indent=1).encode()
        tar.addfile(_header(MANIFEST, len(content)), BytesIO(content))
        for name, entry in manifest.files.items():
            with (folder / name).open("rb") as source:
                tar.addfile(_header(name, entry.size), source)


def read(path: Path, into: Path | None = None) -> Manifest:
    """Read a whole archive and return its manifest; unpack its files ``into`` a new folder, if there is one.

    Raises NotPossible, which says why, for one that is broken, cut off, changed or that no backup made.
    """
    try:
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
            members = iter(tar)
            manifest = _manifest(tar, next(members, None))
            _check_all(tar, members, manifest, into)
            while packed.read(_PIECE):  # its own check of all bytes comes last
                pass
            return manifest
    except _BROKEN as error:
        raise NotPossible(f"{path} is no whole archive of `flask backup` ({error}).") from error


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


def _manifest(tar: tarfile.TarFile, first: tarfile.TarInfo | None) -> Manifest:
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MOST_MANIFEST_BYTES:
        raise ValueError(f"it doesn't begin with {MANIFEST}")
    said: dict[str, Any] = json.loads(_opened(tar, first).read())
    if said["format"] != _FORMAT:
        raise ValueError("a newer release made it; install that one")
    manifest = Manifest(**{**said, "files": {name: Entry(**one) for name, one in said["files"].items()}})
    if not isinstance(manifest.orders, int) or datetime.fromisoformat(str(manifest.made_at)).tzinfo is None:
        raise ValueError("its manifest has no number of orders, or no time with a zone")
    for name in manifest.files:
        _check_name(name)
    if DATABASE not in manifest.files:
        raise ValueError("it holds no database")
    return manifest


def _check_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    is_ours = name == DATABASE or (len(parts) > 1 and parts[0] == INSTANCE)
    if not is_ours or ".." in parts or "/".join(parts) != name or "\0" in name:
        raise ValueError(f"{name[:200]!r} in it is no path of an instance")


def _check_all(tar: tarfile.TarFile, members: Iterable[tarfile.TarInfo], manifest: Manifest, into: Path | None) -> None:
    missing = dict(manifest.files)
    for member in members:
        entry = missing.pop(member.name, None)
        if entry is None:
            raise ValueError(f"{member.name[:200]!r} in it isn't in its manifest, or is there twice")
        if not member.isreg() or member.size != entry.size:
            raise ValueError(f"{member.name[:200]} in it isn't the file that its manifest names")
        digest = hashlib.sha256()
        for piece in _pieces(_opened(tar, member), _target(into, member.name, runs=entry.runs)):
            digest.update(piece)
        if digest.hexdigest() != entry.sha256:
            raise ValueError(f"{member.name[:200]} in it was changed: its SHA-256 is another one")
    if missing:
        raise ValueError(f"it's cut off: {min(missing)[:200]} is missing")


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # noqa: S101 - it's a regular file
    return file


def _target(into: Path | None, name: str, *, runs: bool) -> int | None:
    """Make the file to unpack one to; None without a folder."""
    if into is None:
        return None
    path = into / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700 if runs else 0o600)


def _pieces(source: IO[bytes], target: int | None) -> Iterator[bytes]:
    """Give a file piece by piece, written to the target too, and synced at its end."""
    if target is None:
        yield from iter(lambda: source.read(_PIECE), b"")
        return
    with os.fdopen(target, "wb") as file:
        while piece := source.read(_PIECE):
            file.write(piece)
            yield piece
        file.flush()
        os.fsync(file.fileno())
