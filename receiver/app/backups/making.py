"""Make one archive of the instance: private from its first byte, verified, and there only once it's whole."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from receiver.app.backups import archive, kept
from receiver.app.components import Kit
from receiver.errors import ConfigurationError, NotPossible, Unavailable
from receiver.settings import secret_key
from receiver.settings.installation import VERSION
from receiver.settings.reading import ENVIRONMENT
from receiver.storage import migrations, safekeeping
from receiver.storage.models import OrderRow

#: How archives are named, by the second in UTC; what's unfinished begins with a dot.
_NAME, _NAMES = "receiver-{:%Y%m%dT%H%M%SZ}.tar.gz", "receiver-????????T??????Z.tar.gz"
_UNFINISHED = ".receiver-*.new"
#: How the files are named that earlier releases wrote, and archives.
_OF_FILES = (".sqlite", ".db", ".dump", ".gz")


@dataclass(frozen=True)
class Made:
    """What was made."""

    path: Path
    size: int
    orders: int
    #: Whether the archive holds the secret key.
    holds_key: bool
    #: Settings that the environment gives, so that they aren't in it.
    not_in_it: list[str]
    #: Earlier archives that were deleted.
    deleted: list[Path]


def make(kit: Kit, folder: Path, *, keep: int | None = None) -> Made:
    """Write an archive into the folder and verify it; with ``keep``, delete the oldest ones there but so many.

    Raises ConfigurationError, and then leaves no archive and deletes none.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise NotPossible(f"{folder} is a file. Name a folder: each backup becomes a new archive in it.")
    if folder.suffix in _OF_FILES and not folder.exists():
        raise NotPossible(f"{folder} looks like a file. Name a folder: each backup becomes a new archive in it.")
    if folder.resolve().is_relative_to(kit.instance.resolve()):
        raise NotPossible(f"{folder} is in the instance folder, and would be lost with it. Name a folder elsewhere.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(folder):
        now = datetime.now(UTC)
        path = folder / _NAME.format(now)
        if path.exists():
            raise NotPossible(f"{path} is there already: it was made this second. Run it again.")
        try:
            manifest = _write(kit, path, now)
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written whole ({error.strerror}), and was removed.") from error
        # A backup is good even where nothing can be written any more.
        with suppress(Unavailable), kit.database.write() as session:
            safekeeping.note_backup(session, now)
        return Made(
            path=path,
            size=path.stat().st_size,
            orders=manifest.orders,
            holds_key=f"{archive.INSTANCE}/{secret_key.FILE}" in manifest.files,
            not_in_it=[name for name, origin in kit.setting_origins.items() if origin == ENVIRONMENT],
            deleted=_delete_oldest(folder, keep),
        )


def _write(kit: Kit, path: Path, now: datetime) -> archive.Manifest:
    """Copy all files first, since they may change while they're packed."""
    copies, unfinished = path.with_name(f".{path.stem}.copies.new"), path.with_name(f".{path.name}.new")
    copies.mkdir(mode=0o700)
    try:
        with kit.database.read() as session:
            orders = session.scalar(select(func.count()).select_from(OrderRow)) or 0
        kit.database.back_up(copies / archive.DATABASE)
        kit.database.check_copy(copies / archive.DATABASE)
        manifest = archive.Manifest(
            version=VERSION,
            schema=migrations.version(kit.database.engine) or "",
            store=kit.database.engine.dialect.name,
            made_at=now.isoformat(timespec="seconds"),
            orders=orders,
            files={name: archive.describe(copies / name) for name in [archive.DATABASE, *_copy(kit, copies)]},
        )
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
            archive.write(file, manifest, copies)
            file.flush()
            os.fsync(file.fileno())
        archive.read(unfinished)
        unfinished.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(copies)
        unfinished.unlink(missing_ok=True)
    return manifest


def _copy(kit: Kit, copies: Path) -> Iterator[str]:
    """Copy the instance's files, and yield the name of each in the archive."""
    for name, source in kept.files(kit.instance, kit.database.path):
        copy = copies / archive.INSTANCE / name
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(source, copy)
        yield f"{archive.INSTANCE}/{name}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other backups out of the folder, and remove what one that was killed left there."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in folder.glob(_UNFINISHED):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        yield
    except BlockingIOError as error:
        raise NotPossible(f"Another backup is being written to {folder}.") from error
    finally:
        os.close(opened)


def _delete_oldest(folder: Path, keep: int | None) -> list[Path]:
    oldest = sorted(folder.glob(_NAMES))[:-keep] if keep else []
    for path in oldest:
        path.unlink()
    return oldest


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
