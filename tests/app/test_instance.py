"""Setting the instance up, its password, and its backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.security import check_password_hash, generate_password_hash

from receiver import create_app
from receiver.app.components import Kit
from receiver.app.instance import set_password, set_up
from receiver.errors import ConfigurationError
from receiver.settings import reading
from receiver.storage import sqlite
from receiver.storage.models import AdministratorRow

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of an instance that is not there yet."""
    path = tmp_path / "shop" / "instance"
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(path))
    return path


def new_kit() -> Kit:
    kit: Kit = create_app().extensions["receiver"]
    return kit


def password_hash(kit: Kit) -> str:
    with kit.database.read() as session:
        return session.get_one(AdministratorRow, 1).password_hash


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_everything_is_made_and_said(empty: Path) -> None:
    said = list(set_up(new_kit(), None))
    assert said[:-1] == [
        f"Made {empty}",
        f"Made {empty}/handlers",
        f"Made {empty}/templates",
        f"Made {empty}/outbox",
        f"Wrote {empty}/secret_key",
        f"Wrote {empty}/config.toml",
        f"Database {empty}/receiver.sqlite set up",
    ]
    assert said[-1].startswith("Admin password: ")


def test_what_is_made_is_its_owners_alone(empty: Path) -> None:
    list(set_up(new_kit(), None))
    folders = [empty, *(empty / name for name in ("handlers", "templates", "outbox"))]
    files = [empty / name for name in ("secret_key", "config.toml", "receiver.sqlite")]
    assert {mode(path) for path in folders} == {0o700}
    assert {mode(path) for path in files} == {0o600}


def test_two_instances_have_different_long_keys(empty: Path) -> None:
    list(set_up(new_kit(), None))
    first = (empty / "secret_key").read_text()
    (empty / "secret_key").unlink()
    list(set_up(new_kit(), None))
    second = (empty / "secret_key").read_text()
    assert first != second
    assert len(first) >= 64


def test_an_instance_that_was_set_up_has_no_problem(empty: Path) -> None:
    list(set_up(new_kit(), None))
    kit = new_kit()
    assert kit.problems == []
    assert kit.settings.SECRET_KEY.get_secret_value() == (empty / "secret_key").read_text()


@pytest.mark.sqlite
def test_repeating_it_changes_nothing(instance: Path, kit: Kit) -> None:
    files = [instance / name for name in ("secret_key", "config.toml", "receiver.sqlite")]
    before = [path.read_bytes() for path in files]
    assert list(set_up(kit, "another password")) == [f"Database {instance}/receiver.sqlite is up to date"]
    assert [path.read_bytes() for path in files] == before
    assert check_password_hash(password_hash(kit), "the admin's password")


def test_what_was_changed_or_taken_away_is_handled_with_care(instance: Path, kit: Kit) -> None:
    """A changed file stays as it is; a folder that is gone comes back; open rights are closed."""
    (instance / "config.toml").write_text('SHOP_NAME = "Mine"\n')
    (instance / "outbox").rmdir()
    instance.chmod(0o755)
    said = set_up(kit, None)
    assert next(said) == f"Made {instance}/outbox"
    list(said)
    assert reading.read_file(instance) == {"SHOP_NAME": "Mine"}
    assert mode(instance) == 0o700


def test_a_made_up_password_is_said_and_holds(empty: Path) -> None:
    kit = new_kit()
    password = list(set_up(kit, None))[-1].removeprefix("Admin password: ").removesuffix(" (shown once)")
    assert len(password) >= 12
    assert check_password_hash(password_hash(kit), password)


def test_a_chosen_password_is_taken_and_not_said(empty: Path) -> None:
    kit = new_kit()
    said = list(set_up(kit, "correct horse battery"))
    assert said[-1] == "Admin password: taken from RECEIVER_ADMIN_PASSWORD"
    assert check_password_hash(password_hash(kit), "correct horse battery")


def test_of_two_that_set_one_database_up_only_the_first_says_its_password(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit, said = new_kit(), list[str]()

    def slowly(password: str) -> str:
        monkeypatch.undo()
        said.extend(set_up(kit, "correct horse battery"))
        return generate_password_hash(password)

    monkeypatch.setattr("receiver.app.instance.generate_password_hash", slowly)
    assert not any("password" in line for line in set_up(kit, None))
    assert said[-1] == "Admin password: taken from RECEIVER_ADMIN_PASSWORD"
    assert check_password_hash(password_hash(kit), "correct horse battery")


def test_a_short_password_is_not_taken(kit: Kit) -> None:
    before = password_hash(kit)
    with pytest.raises(ConfigurationError, match="must have 12 characters or more"):
        set_password(kit.database, "elevenchars")
    assert password_hash(kit) == before


def test_a_new_password_takes_the_olds_place(kit: Kit) -> None:
    assert set_password(kit.database, "twelve chars") == "twelve chars"
    assert check_password_hash(password_hash(kit), "twelve chars")


def test_a_place_that_cannot_be_written_is_named(empty: Path) -> None:
    empty.parent.write_text("a file stands in the way")
    with pytest.raises(ConfigurationError, match=f"{empty} can't be written: Not a directory"):
        list(set_up(new_kit(), None))


@pytest.mark.sqlite
def test_a_backup_holds_what_is_committed_while_others_write(kit: Kit, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with kit.database.write() as session:
        session.merge(AdministratorRow(id=1, password_hash="committed", changed_at=NOW))
    with kit.database.write() as session:
        session.merge(AdministratorRow(id=1, password_hash="not yet", changed_at=NOW))
        session.flush()
        kit.database.back_up(copy)
    with closing(sqlite.driver.connect(str(copy))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT password_hash FROM administrator").fetchall() == [("committed",)]
    assert mode(copy) == 0o600


def test_a_backup_never_takes_a_files_place(kit: Kit, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_text("precious")
    with pytest.raises(FileExistsError):
        kit.database.back_up(copy)
    assert copy.read_text() == "precious"


@pytest.mark.sqlite
def test_a_backup_opens_with_any_sqlite(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    kit: Kit = make_app().extensions["receiver"]
    kit.database.back_up(tmp_path / "copy.sqlite")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
