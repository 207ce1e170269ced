"""Set up the instance: folder, secret key, settings file, database and admin password."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from werkzeug.security import generate_password_hash

from receiver.app import private_paths
from receiver.app.components import Kit
from receiver.errors import ConfigurationError, NotPossible
from receiver.security import guesses, sealed
from receiver.security.sign_ins import SHORTEST_PASSWORD, end_all
from receiver.settings import secret_key
from receiver.settings.example import example
from receiver.settings.model import FILE
from receiver.settings.reading import DEFAULT
from receiver.storage import migrations, private_files
from receiver.storage.database import Database
from receiver.storage.migrations import comparison
from receiver.storage.models import AdministratorRow

_LOST_KEY = (
    "Put the right secret_key back from the backup. If it's lost, run `flask init --new-key`: it removes what can't be "
    "read, and says what you must enter again."
)
_FOLDERS = ("", "handlers", "templates", "outbox")


def set_up(kit: Kit, chosen_password: str | None, *, new_key: bool = False) -> Iterator[str]:
    """Set up the instance for this release and yield a sentence for each thing done; repeating it does nothing.

    ``new_key`` replaces a lost secret key and removes what only that key could read. Raises ConfigurationError if the
    folder can't be written, the database needs a secret key that is missing or broken, or the database is of a newer
    release; and Unavailable if the database can't be used.
    """
    try:
        yield from make_folders(kit.instance)
        private_paths.repair(kit.instance, kit.database.path)
        yield from _set_up_key(kit, new_key=new_key)
        if private_files.write(kit.instance / FILE, example()):
            yield f"Wrote {kit.instance / FILE}"
        with kit.database.translated_errors():
            yield from _upgrade(kit)
        if new_key:
            yield from sealed.remove_unreadable(kit.database, _key(kit) or "")
        for said in private_paths.exposed(kit.instance, kit.database.path):
            yield f"Warning: {said}"
    except OSError as error:
        raise ConfigurationError(f"{error.filename} can't be written: {error.strerror}.") from error
    with kit.database.read() as session:
        has_password = session.get(AdministratorRow, 1) is not None
    if not has_password and (made := _set_first_password(kit.database, chosen_password)):
        yield "Admin password: " + ("taken from RECEIVER_ADMIN_PASSWORD" if chosen_password else f"{made} (shown once)")


def set_password(database: Database, chosen: str | None) -> str:
    """Set the admin password, generated unless chosen, and return it; every sign-in to the console ends.

    Wrong passwords and known devices are forgotten, so that nobody's guesses keep the owner out. Raises NotPossible
    for a password that's too short.
    """
    password, row = _administrator(chosen)
    with database.write() as session:
        session.merge(row)
        end_all(session, guesses.CONSOLE, None)
        guesses.forget_all(session, guesses.CONSOLE)
    return password


def make_folders(instance: Path) -> Iterator[str]:
    """Make the folders that are missing, and yield a sentence for each."""
    for name in _FOLDERS:
        folder = instance / name
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            yield f"Made {folder}"


def _set_first_password(database: Database, chosen: str | None) -> str | None:
    """Set and return the admin password; None if another process that sets the database up was faster."""
    password, row = _administrator(chosen)
    with database.write() as session:
        if session.get(AdministratorRow, 1) is not None:
            return None
        session.add(row)
    return password


def _administrator(chosen: str | None) -> tuple[str, AdministratorRow]:
    if chosen is not None and len(chosen) < SHORTEST_PASSWORD:
        raise NotPossible(f"The admin password must have {SHORTEST_PASSWORD} characters or more.")
    password = chosen or secrets.token_urlsafe(12)
    return password, AdministratorRow(
        id=1, password_hash=generate_password_hash(password), changed_at=datetime.now(UTC)
    )


def _key(kit: Kit) -> str | None:
    """Return the current key, or None without one. Raises ConfigurationError for one that can't be used."""
    is_set = kit.setting_origins["SECRET_KEY"] != DEFAULT
    return kit.settings.SECRET_KEY.get_secret_value() if is_set else secret_key.read(kit.instance)


def _set_up_key(kit: Kit, *, new_key: bool) -> Iterator[str]:
    """Write a new key if nothing is encrypted yet; replace one that the database needs only with ``new_key``."""
    try:
        key = _key(kit)
    except ConfigurationError:
        if not new_key:
            raise
        key = ""
    closed = sealed.unreadable(kit.database, key or "")
    if key and new_key and not closed:
        raise NotPossible("The secret key is right and reads everything that is stored; nothing was changed.")
    if key and closed and not new_key:
        yield f"Warning: the secret key can't read {' and '.join(closed)}. {_LOST_KEY}"
    if key:
        return
    if closed and not new_key:
        path = kit.instance / secret_key.FILE
        needed = f"{path} is missing, and only it can read what is stored: {' and '.join(closed)}."
        raise ConfigurationError(f"{needed} {_LOST_KEY}")
    if secret_key.make(kit.instance, replace=new_key):
        yield f"Wrote {kit.instance / secret_key.FILE}"
        if new_key:
            yield "Everybody is signed out, and account links in earlier emails no longer work."


def _upgrade(kit: Kit) -> Iterator[str]:
    database = kit.database
    if database.path and not database.exists():
        private_files.write(database.path, "")
    found = migrations.version(database.engine)
    if found == migrations.newest():
        migrations.upgrade(database.engine)  # for an index of the search that the database can have by now
        yield f"Database {database.shown()} is up to date"
    else:
        if found is not None:
            if not migrations.is_known(found):
                raise ConfigurationError(str(migrations.problem(database)))
            yield _back_up_first(database)
        migrations.upgrade(database.engine)
        yield f"Database {database.shown()} " + ("upgraded" if found else "set up")
    yield from _loosen(database)


def _loosen(database: Database) -> Iterator[str]:
    """Make columns nullable that this release leaves empty, because the database would refuse every order."""
    strict = [found for found in comparison.differences(database.engine) if found.is_too_strict]
    if strict:
        yield _back_up_first(database)
        comparison.loosen(database.engine, strict)
        columns = ", ".join(f"{one.table}.{one.column}" for one in strict)
        yield f"Database {database.shown()}: these columns may be empty now: {columns}"


def _back_up_first(database: Database) -> str:
    if database.path is None:
        return "Made no backup: the tables change in one transaction, and a server has backups of its own"
    copy = database.path.with_name(
        f"{database.path.name}.before-{migrations.newest()}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    )
    database.back_up(copy)
    return f"Backed the database up to {copy}"
