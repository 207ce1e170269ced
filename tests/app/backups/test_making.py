"""A backup is one archive: private, verified, there only when it's whole, and it can be repeated."""

from __future__ import annotations

import json
import os
import resource
import secrets
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from receiver.app.backups import archive, making
from receiver.app.components import Kit
from receiver.errors import ConfigurationError, NotPossible
from receiver.storage import safekeeping
from tests.app.backups.archives import Change, Member, made, members, rewritten
from tests.commanding import Run, lines, runner
from tests.end_to_end.processes import ROOT, server_environment
from tests.served import SECRET, Served, order_fields
from tests.waiting import wait_for

#: What the archive of a new instance holds.
HELD = {"manifest.json", "database", "instance/config.toml", "instance/secret_key"}


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def archives(folder: Path) -> list[Path]:
    """Give everything that's in the folder: there's nothing but whole archives."""
    found = sorted(folder.iterdir())
    for path in found:
        archive.read(path)
    return found


@pytest.mark.sqlite
def test_backup_opens_and_is_whole(run: Run, shop: Served, folder: Path, tmp_path: Path) -> None:
    shop.post(order_fields(order_id="A-1"))
    result = run("backup", str(folder))
    assert result.exit_code == 0, result.output
    (path,) = archives(folder)
    assert lines(result)[0] == f"Backed up to {path}: {path.stat().st_size:,} bytes, verified. Orders in it: 1."
    assert "holds the secret key" in lines(result)[1]
    (tmp_path / "copy").write_bytes(members(path)["database"])
    with closing(sqlite3.connect(tmp_path / "copy")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT order_id FROM orders").fetchall() == [("A-1",)]


def test_it_holds_all_of_the_instance_but_what_is_listed(kit: Kit, instance: Path, folder: Path) -> None:
    own = {"handlers/mine.py": "1", "handlers/lists/keys.txt": "2", "templates/a.txt": "3", "mine/b": "4", ".env": "5"}
    left = {"outbox/1.eml": "", "handlers/__pycache__/mine.pyc": "", "before-restore-1/secret_key": ""}
    for name, text in (own | left).items():
        (instance / name).parent.mkdir(parents=True, exist_ok=True)
        (instance / name).write_text(text)
    (instance / "receiver.sqlite.before-0001-20200101T000000Z").write_text("old")
    (instance / "sources").symlink_to(instance / "handlers")
    (instance / "handlers" / "round").symlink_to(instance / "handlers")
    found = members(made(kit, folder))
    linked = {"instance/sources/mine.py", "instance/sources/lists/keys.txt"}
    assert set(found) == HELD | {f"instance/{name}" for name in own} | linked
    assert found["instance/secret_key"] == (instance / "secret_key").read_bytes()
    assert found["instance/handlers/lists/keys.txt"] == b"2"


def test_the_manifest_says_what_it_is(kit: Kit, folder: Path) -> None:
    said = json.loads(members(made(kit, folder))["manifest.json"])
    assert said["store"] == kit.database.engine.dialect.name
    assert set(said["files"]) == HELD - {"manifest.json"}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(said["made_at"])) < timedelta(minutes=1)


def test_nobody_else_can_read_it(kit: Kit, folder: Path) -> None:
    before = os.umask(0)
    try:
        path = made(kit, folder)
    finally:
        os.umask(before)
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_it_is_repeated_every_day_and_the_oldest_go(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "mine.tar.gz").write_text("not the kit's")
    (folder / "receiver-notes.txt").write_text("not the kit's")
    day = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)

    class Clock:
        @staticmethod
        def now(_zone: object) -> datetime:
            return day

    monkeypatch.setattr(making, "datetime", Clock)
    for _ in range(4):
        result = run("backup", str(folder), "--keep", "2")
        assert result.exit_code == 0, result.output
        day += timedelta(days=1)
    assert lines(result)[-1] == f"Deleted {folder}/receiver-20261202T030000Z.tar.gz"
    assert sorted(path.name for path in folder.iterdir()) == [
        "mine.tar.gz",
        "receiver-20261203T030000Z.tar.gz",
        "receiver-20261204T030000Z.tar.gz",
        "receiver-notes.txt",
    ]


def test_it_is_noted_when_the_last_good_one_was_made(kit: Kit, folder: Path) -> None:
    with kit.database.read() as session:
        assert safekeeping.last_backup(session) is None
    made(kit, folder)
    with kit.database.read() as session:
        at = safekeeping.last_backup(session)
    assert at
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_a_file_is_no_folder_and_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    """As with the command of earlier releases, which named a new file."""
    (tmp_path / "copy.sqlite").write_text("precious")
    result = run("backup", str(tmp_path / "copy.sqlite"))
    assert (result.exit_code, (tmp_path / "copy.sqlite").read_text()) == (1, "precious")
    assert "Name a folder" in result.stderr


@pytest.mark.parametrize("name", ["receiver-1.sqlite", "receiver.dump", "receiver.tar.gz"])
def test_no_folder_is_made_where_a_file_was_meant(run: Run, tmp_path: Path, name: str) -> None:
    """A nightly job of an earlier release names another file each time."""
    result = run("backup", str(tmp_path / "backups" / name))
    assert result.exit_code == 1
    assert f"{name} looks like a file. Name a folder" in result.stderr
    assert not (tmp_path / "backups").exists()


def test_a_folder_that_is_not_there_is_made(run: Run, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "none" / "backups")).exit_code == 0
    assert len(archives(tmp_path / "none" / "backups")) == 1


def test_the_instance_folder_is_no_place_for_it(run: Run, instance: Path) -> None:
    result = run("backup", str(instance / "backups"))
    assert result.exit_code == 1
    assert "Name a folder elsewhere" in result.stderr
    assert not (instance / "backups").exists()


def test_settings_of_the_environment_are_not_in_it(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = secrets.token_hex(32)
    monkeypatch.setenv("RECEIVER_SECRET_KEY", key)
    result = run("backup", str(folder))
    assert "from the environment and aren't in it" in result.stdout
    assert "SECRET_KEY" in result.stdout
    assert key not in result.stdout


@pytest.mark.sqlite
@pytest.mark.parametrize("most", [65_536, 400_000])
def test_backup_onto_a_full_disk_says_so_and_leaves_no_file(run: Run, instance: Path, folder: Path, most: int) -> None:
    """It's full while the database is copied, and later."""
    (instance / "handlers" / "large.bin").write_bytes(os.urandom(1_000_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        result = run("backup", str(folder), "--keep", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {folder}/")
    assert "can't be written whole (" in result.stderr
    assert list(folder.iterdir()) == []


def test_a_backup_that_is_killed_leaves_no_archive_and_the_next_cleans_up(
    kit: Kit, instance: Path, folder: Path
) -> None:
    (instance / "handlers" / "large.bin").write_bytes(os.urandom(60_000_000))
    command = [sys.executable, "-m", "flask", "backup", str(folder)]
    environment = server_environment(SHARED_SECRETS=SECRET)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: bool(list(folder.glob(".receiver-*.tar.gz.new"))), seconds=60)
        with pytest.raises(NotPossible, match="Another backup is being written"):
            making.make(kit, folder)
        process.send_signal(signal.SIGKILL)
    assert list(folder.glob("receiver-*")) == []
    assert len(list(folder.iterdir())) == 2
    (instance / "handlers" / "large.bin").unlink()
    path = made(kit, folder)
    assert archives(folder) == [path]


def test_a_database_whose_copy_is_damaged_is_no_backup(kit: Kit, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit.database, "back_up", lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 5000))
    with pytest.raises(ConfigurationError, match=r"(copy of the database is damaged|pg_restore: error)"):
        making.make(kit, folder)
    assert list(folder.iterdir()) == []


def test_what_is_no_whole_archive_is_refused_with_the_reason(kit: Kit, folder: Path) -> None:
    """Each is cut, changed, or tries to be put elsewhere."""
    path = made(kit, folder)

    def change(name: str, content: bytes) -> Change:
        def by(found: list[Member]) -> None:
            found[:] = [(one, content if one.name == name else was) for one, was in found]

        return by

    def manifest(old: str, new: str) -> Change:
        def by(found: list[Member]) -> None:
            for number, (one, was) in enumerate(found):
                one.name = one.name.replace(old, new)
                found[number] = one, was.replace(old.encode(), new.encode()) if number == 0 else was

        return by

    def link(found: list[Member]) -> None:
        found[1][0].type, found[1][0].linkname = tarfile.SYMTYPE, "/etc/passwd"

    for spoil, reason in (
        (change("instance/secret_key", b"x" * 64), "was changed|isn't the file"),
        (change("manifest.json", b"[1"), "is no whole archive"),
        (change("manifest.json", b"[]"), "is no whole archive"),
        (manifest("instance/config.toml", "../config.toml"), "is no path of an instance"),
        (manifest("instance/config.toml", "instance/../../config.toml"), "is no path of an instance"),
        (manifest("instance/config.toml", "/etc/config.toml"), "is no path of an instance"),
        (link, "isn't the file"),
        (lambda found: found.append(found[-1]), "twice"),
        (lambda found: found.pop(), "cut off: .* is missing"),
        (lambda found: found.pop(0), "doesn't begin with manifest.json"),
        (manifest('"format": 1', '"format": 2'), "a newer release made it"),
    ):
        with pytest.raises(NotPossible, match=reason):
            archive.read(rewritten(path, spoil))
    whole = path.read_bytes()
    for piece in (b"", b"no archive", whole[: len(whole) // 2], whole[:-12], whole[:4000] + b"xx" + whole[4002:]):
        (folder / "cut").write_bytes(piece)
        with pytest.raises(NotPossible, match="is no whole archive"):
            archive.read(folder / "cut")
