"""Put an archive back: checked before anything is changed, what was there moved aside, and its jobs held."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import delete
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from receiver.app import private_paths
from receiver.app.backups import archive, kept
from receiver.app.components import Kit
from receiver.app.instance import make_folders
from receiver.errors import NotPossible, ReceiverError
from receiver.settings import reading
from receiver.storage import migrations, processes, safekeeping
from receiver.storage.database import Database
from receiver.storage.opening import open_database

_STAGING = ".restore-"
#: What's left free on the disk beside what's unpacked.
_SPARE_BYTES = 16 * 1024 * 1024


def restore(kit: Kit, path: Path, *, replace: bool = False) -> Iterator[str]:
    """Put an archive's database and files into the instance, and yield a sentence for each thing done.

    With ``replace`` what's there is moved aside. Raises ConfigurationError, and then has changed nothing.
    """
    manifest = archive.read(path)
    if not migrations.is_known(manifest.schema):
        raise NotPossible(f"{path} has schema {manifest.schema}, made by a newer release. Install that release first.")
    with _staging(kit.instance, sum(entry.size for entry in manifest.files.values())) as staging:
        try:
            archive.read(path, staging)
        except OSError as error:
            where = f"{path} can't be unpacked in {kit.instance}"
            raise NotPossible(f"{where} ({error.strerror}). Nothing was changed.") from error
        target = _target(kit.instance, staging)
        try:
            _refuse_names(staging / archive.INSTANCE, kit.instance, target.path)
            _refuse(kit, target, manifest, replace=replace)
            # What's open would remove the log of the database that takes its place.
            for database in (kit.database, target):
                database.engine.dispose()
            yield from _put(kit.instance, target, staging, manifest)
        finally:
            target.engine.dispose()
    yield f"Restored {path}, made at {manifest.made_at}. Orders in it: {manifest.orders}."


def _target(instance: Path, staging: Path) -> Database:
    """Return the database that the archive's settings name, as the environment changes them."""
    read = reading.read(staging / archive.INSTANCE, {})
    is_here = read.origins["DATABASE_URL"] == reading.DEFAULT
    url = reading.database_in(instance) if is_here else read.settings.DATABASE_URL.get_secret_value()
    return open_database(url, instance / "write.lock")


def _refuse(kit: Kit, target: Database, manifest: archive.Manifest, *, replace: bool) -> None:
    """Raise NotPossible while the archive can't be put here."""
    if target.engine.dialect.name != manifest.store:
        raise NotPossible(
            f"The archive holds a database of {manifest.store}, and DATABASE_URL names {target.shown()}. Restore it to "
            "its own kind, then move it with `flask database copy`."
        )
    for database in (kit.database, target):
        if running := _running(database):
            raise NotPossible(
                f"This instance is running (processes: {running}). Stop the server and its workers first; what was "
                "killed on another machine counts for two minutes more."
            )
    here = [name for name, _ in kept.files(kit.instance, target.path)]
    here += [path.name for path in private_paths.of_database(target.path) if path.exists()]
    if here and not replace:
        more = f" and {len(here) - 3} more" if len(here) > 3 else ""
        raise NotPossible(
            f"{kit.instance} holds an instance already: {', '.join(here[:3])}{more}. With --replace, these are moved "
            "aside before the archive takes their place."
        )


def _refuse_names(unpacked: Path, instance: Path, database: Path | None) -> None:
    """Raise NotPossible for a file that no backup keeps, since it would take the place of what isn't moved aside."""
    ours = {path.name for path in kept.entries(unpacked, None)}
    for path in unpacked.iterdir():
        if path.name not in ours or instance / path.name in private_paths.of_database(database):
            raise NotPossible(f"The archive holds {path.name}, which no backup keeps. Nothing was changed.")


def _running(database: Database) -> int:
    """Return how many processes use a database; none if that can't be read."""
    with suppress(ReceiverError, SQLAlchemyError):
        if database.exists():
            with database.read() as session:
                return len(processes.living(session, datetime.now(UTC)))
    return 0


def _put(instance: Path, target: Database, staging: Path, manifest: archive.Manifest) -> Iterator[str]:
    """Make the database ready where nobody sees it, then move the old one aside and the new one in."""
    copy, stamp = staging / archive.DATABASE, f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    target.check_copy(copy)
    if target.path is None:
        from receiver.storage import postgresql_programs  # a server with SQLite has no use for its driver

        postgresql_programs.restore(target.engine, copy)
        _prepare(target, manifest)
    else:
        url = URL.create("sqlite", database=str(copy)).render_as_string(hide_password=False)
        here = open_database(url, staging / "lock")
        _prepare(here, manifest)
        here.engine.dispose()
    yield from _move_aside(instance, target.path, stamp)
    for path in sorted((staging / archive.INSTANCE).iterdir()):
        path.rename(instance / path.name)
    yield from make_folders(instance)
    if target.path is not None:
        _move_in(copy, target.path)
    _give_to_owner(instance, target.path)
    private_paths.repair(instance, target.path)


def _prepare(database: Database, manifest: archive.Manifest) -> None:
    """Bring a database that nobody uses yet to this release's schema, and hold its jobs."""
    migrations.upgrade(database.engine)
    with database.write() as session:
        safekeeping.hold(session, datetime.now(UTC))
        safekeeping.note_backup(session, datetime.fromisoformat(manifest.made_at))
        session.execute(delete(processes.ProcessRow))
    database.empty_log()


def _move_aside(instance: Path, database: Path | None, stamp: str) -> Iterator[str]:
    """Move what the archive replaces, SQLite's log with its database, and yield where it is now."""
    entries = kept.entries(instance, database)
    if entries:
        (instance / stamp).mkdir(mode=0o700)
        for path in entries:
            path.rename(instance / stamp / path.name)
        yield f"Moved the files that were there to {instance / stamp}"
    for path in private_paths.of_database(database):
        if database and path.exists():
            aside = database.with_name(f"{database.name}.{stamp}{path.name.removeprefix(database.name)}")
            path.rename(aside)
            yield f"Moved {path} to {aside}"


def _move_in(copy: Path, path: Path) -> None:
    """Move the database in at once, from another disk too."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.restored")
    shutil.move(copy, beside)
    for one in (beside, path.parent):
        opened = os.open(one, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
        if one is beside:
            beside.replace(path)


def _give_to_owner(instance: Path, database: Path | None) -> None:
    """Make the folder's owner, as whom the server runs, the owner of what root has restored."""
    owner = instance.stat()
    if os.geteuid() == 0 and owner.st_uid:
        for path in (*instance.rglob("*"), *private_paths.of_database(database)):
            if path.exists() and not path.is_symlink():
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextmanager
def _staging(instance: Path, size: int) -> Iterator[Path]:
    """Make a folder to unpack to, on the instance's own disk, and remove it afterwards. One restore runs at a time."""
    is_new = not instance.exists()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(instance, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise NotPossible(f"Another restore is putting files into {instance}.") from None
    for left in instance.glob(f"{_STAGING}*"):  # of one that was killed
        shutil.rmtree(left)
    try:
        free = shutil.disk_usage(instance).free
        if free < size + _SPARE_BYTES:
            raise NotPossible(f"The archive needs {size:,} bytes in {instance}, where {free:,} are free.")
        folder = Path(mkdtemp(prefix=_STAGING, dir=instance))
        try:
            (folder / archive.INSTANCE).mkdir()
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(opened)
        if is_new and not any(instance.iterdir()):
            instance.rmdir()
