"""A restore puts back what a backup holds, changes nothing when it can't, and holds the jobs after it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from receiver import create_app
from receiver.app.backups import restoring
from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.app.hold import Hold
from receiver.storage import migrations
from receiver.storage.models import MailRow, OrderRow
from tests import stores
from tests.app.backups.archives import Change, Member, made, rewritten
from tests.commanding import Run, lines, runner
from tests.served import SECRET, Served, order_fields, served
from tests.storage.schemas import of_1_0_0
from tests.stores import ON_POSTGRESQL, PostgreSQLServer
from tests.waiting import wait_for


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def new_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_server: PostgreSQLServer | None
) -> Iterator[Callable[[], Path]]:
    """Go to another machine: a place for an instance where nothing is yet, and an empty database."""
    with stores.database_of_its_own(database_server, like="template0") if database_server else _nothing() as url:

        def go() -> Path:
            monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(tmp_path / "new"))
            if url:
                monkeypatch.setenv("RECEIVER_DATABASE_URL", url)
            return tmp_path / "new"

        yield go


class _nothing:  # noqa: N801 - stands for a database's context
    def __enter__(self) -> str:
        return ""

    def __exit__(self, *_: object) -> None:
        return None


def restored(archive: Path, *words: str) -> Result:
    app = create_app()
    result = app.test_cli_runner().invoke(args=["restore", str(archive), *words])
    app.extensions["receiver"].database.engine.dispose()
    return result


def order_ids(kit: Kit) -> list[str | None]:
    with kit.database.read() as session:
        return [row.order_id for row in session.scalars(select(OrderRow).order_by(OrderRow.id))]


def states(kit: Kit) -> set[str]:
    with kit.database.read() as session:
        return {*session.scalars(select(OrderRow.state)), *session.scalars(select(MailRow.state))}


def everything(folder: Path) -> dict[str, bytes]:
    """Give the content of each file; SQLite's -shm is made by looking at the database."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".sqlite-shm"]
    return {str(path): path.read_bytes() for path in files}


def test_a_backup_is_restored_elsewhere_and_served_with_its_jobs_held(
    serve: Callable[..., Served],
    instance: Path,
    tmp_path: Path,
    new_place: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (instance / "handlers" / "mine.py").write_text("# mine\n")
    (instance / "handlers" / "mine.py").chmod(0o744)
    with_jobs = serve(work=False)
    with_jobs.post(order_fields(order_id="A-1"))
    archive = made(with_jobs.kit, tmp_path / "backups")
    with_jobs.post(order_fields(order_id="A-2"))

    place = new_place()
    result = restored(archive)
    asked: list[str | None] = []

    class Counting(Hold):
        def said(self) -> str | None:
            asked.append(super().said())
            return asked[-1]

    monkeypatch.setattr("receiver.app.components.Hold", Counting)
    assert result.exit_code == 0, result.output
    assert "Orders in it: 1." in result.stdout
    assert "flask restore --confirm" in lines(result)[-1]
    assert (place / "secret_key").read_bytes() == (instance / "secret_key").read_bytes()
    assert (place / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (place / "handlers" / "mine.py").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in place.iterdir()} <= {
        *("config.toml", "secret_key", "handlers", "templates", "outbox", "write.lock"),
        *("receiver.sqlite", "receiver.sqlite-wal", "receiver.sqlite-shm"),
    }
    with served(create_app({"SHARED_SECRETS": [SECRET]}), work=True) as shop:
        assert order_ids(shop.kit) == ["A-1"]
        found = [one for one in diagnose(shop.kit) if one.subject in ("jobs", "database", "backup", "secrets")]
        assert ["wrong" for one in found if one.state == "wrong"] == []
        assert any("are held" in one.text for one in found)
        shop.post(order_fields(order_id="A-3"))
        # What could run has been asked for more than once.
        for name in ("orders", "mails"):
            shop.kit.engine.hint(name)
        wait_for(lambda: len(asked) > 2)
        assert set(shop.kit.hold.kinds()) == set(shop.kit.engine._kinds) - {"asking"}
        assert order_ids(shop.kit) == ["A-1", "A-3"]
        assert states(shop.kit) == {"open"}
        again = create_app().test_cli_runner()
        assert again.invoke(args=["restore", "--confirm"]).exit_code == 0
        wait_for(lambda: "open" not in states(shop.kit), seconds=30)
        assert shop.kit.hold.said() is None
        twice = again.invoke(args=["restore", "--confirm"])
        assert (twice.exit_code, twice.stderr) == (1, "Error: No jobs are held.\n")


def test_what_is_there_is_replaced_only_if_told_to_and_moved_aside(
    run: Run, shop: Served, kit: Kit, instance: Path, tmp_path: Path, new_place: Callable[[], Path]
) -> None:
    """SQLite's log goes with its database: what a killed server left there would be played into the copy."""
    shop.post(order_fields(order_id="A-1"))
    archive = made(kit, tmp_path / "backups")
    shop.post(order_fields(order_id="A-2"))
    place = new_place()
    shutil.copytree(instance, place, ignore=shutil.ignore_patterns("outbox"))
    (place / "handlers" / "other.py").write_text("# another\n")
    before = everything(place)
    if not ON_POSTGRESQL:
        assert (place / "receiver.sqlite-wal").stat().st_size > 0

    refused = restored(archive)
    assert refused.exit_code == 1
    assert f"{place} holds an instance already: config.toml" in refused.stderr
    assert "--replace" in refused.stderr
    assert everything(place).keys() <= before.keys()
    assert not list(place.glob("*before-restore*"))

    result = restored(archive, "--replace")
    assert result.exit_code == 0, result.output
    (aside,) = place.glob("before-restore-*")
    assert (aside / "handlers" / "other.py").exists()
    assert not (place / "handlers" / "other.py").exists()
    assert f"Moved the files that were there to {aside}" in lines(result)
    kit = create_app().extensions["receiver"]
    assert order_ids(kit) == ["A-1"]
    assert migrations.problem(kit.database) is None
    if not ON_POSTGRESQL:
        old = create_app({"DATABASE_URL": f"sqlite:///{place}/receiver.sqlite.{aside.name}"}).extensions["receiver"]
        assert order_ids(old) == ["A-1", "A-2"]
        assert (place / f"receiver.sqlite.{aside.name}").stat().st_mode & 0o777 == 0o600


def test_while_a_process_runs_nothing_is_restored(run: Run, kit: Kit, instance: Path, tmp_path: Path) -> None:
    archive = made(kit, tmp_path / "backups")
    kit.presence.begin("server", [], dict)
    before = (instance / "config.toml").stat().st_ino
    result = run("restore", str(archive), "--replace")
    assert result.exit_code == 1
    assert "Stop the server and its workers first" in result.stderr
    assert (instance / "config.toml").stat().st_ino == before
    assert list(instance.glob(".restore-*")) == []


def with_database(content: bytes, **changed: str) -> Change:
    """Put another database in, with a manifest that says so."""

    def change(found: list[Member]) -> None:
        said = json.loads(found[0][1]) | changed
        said["files"]["database"] |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        found[0] = found[0][0], json.dumps(said).encode()
        found[1] = found[1][0], content

    return change


@pytest.mark.sqlite
def test_the_archive_of_an_older_release_is_upgraded(kit: Kit, tmp_path: Path, new_place: Callable[[], Path]) -> None:
    old = of_1_0_0(tmp_path / "old.sqlite")
    version = migrations.version(old.engine)
    assert version
    old.empty_log()
    old.engine.dispose()
    content = (tmp_path / "old.sqlite").read_bytes()
    archive = rewritten(made(kit, tmp_path / "backups"), with_database(content, schema=version))
    new_place()
    assert restored(archive).exit_code == 0
    new: Kit = create_app().extensions["receiver"]
    assert migrations.problem(new.database) is None
    assert new.hold.said()


def test_a_spoiled_archive_changes_nothing(kit: Kit, tmp_path: Path, new_place: Callable[[], Path]) -> None:
    archive = made(kit, tmp_path / "backups")

    def manifest(old: str, new: str) -> Change:
        def change(found: list[Member]) -> None:
            header, content = found[0]
            found[0] = header, content.replace(old.encode(), new.encode())
            for header, _ in found:
                header.name = header.name.replace(old, new)

        return change

    place = new_place()
    other = "sqlite" if ON_POSTGRESQL else "postgresql"
    kind = kit.database.engine.dialect.name
    for spoil, reason in (
        (manifest("instance/config.toml", "instance/../../x"), "is no path of an instance"),
        (manifest("instance/config.toml", "instance/write.lock"), "which no backup keeps"),
        (manifest("instance/config.toml", "instance/outbox/1.eml"), "which no backup keeps"),
        (manifest(f'"schema": "{migrations.newest()}"', '"schema": "9999"'), "made by a newer release"),
        (manifest(f'"store": "{kind}"', f'"store": "{other}"'), "flask database copy"),
        (manifest('"size": ', '"size": 1'), "isn't the file"),
        (with_database(b"no database at all"), "damaged|not appear to be a valid archive|too short|did not find"),
    ):
        spoiled = rewritten(archive, spoil)
        result = restored(spoiled)
        assert result.exit_code == 1, spoil
        assert any(one in result.stderr for one in reason.split("|")), result.stderr
        assert not place.exists()
    cut = tmp_path / "cut"
    cut.write_bytes(archive.read_bytes()[:-40])
    assert "is no whole archive" in restored(cut).stderr
    assert not place.exists()


def test_an_archive_that_does_not_fit_on_the_disk_is_refused(
    kit: Kit, tmp_path: Path, new_place: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = made(kit, tmp_path / "backups")
    place = new_place()
    monkeypatch.setattr(restoring, "_SPARE_BYTES", 1 << 62)
    result = restored(archive)
    assert "are free" in result.stderr
    assert not place.exists()


def test_restore_takes_an_archive_or_confirm(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    for words in ((), (str(tmp_path / "a"), "--confirm"), ("--confirm", "--replace")):
        assert run("restore", *words).exit_code == 2
    assert "does not exist" in run("restore", str(tmp_path / "none")).stderr


@pytest.mark.postgresql
def test_a_database_with_tables_is_never_restored_into(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = made(kit, tmp_path / "backups")
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(tmp_path / "new"))
    result = restored(archive, "--replace")
    assert result.exit_code == 1
    assert "isn't empty" in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.postgresql
def test_a_database_that_others_use_is_not_restored_into(
    kit: Kit, tmp_path: Path, new_place: Callable[[], Path]
) -> None:
    archive = made(kit, tmp_path / "backups")
    new_place()
    other: Kit = create_app().extensions["receiver"]
    with other.database.engine.connect():
        result = restored(archive)
    other.database.engine.dispose()
    assert result.exit_code == 1
    assert "Others use " in result.stderr


def test_a_full_disk_changes_nothing(kit: Kit, instance: Path, tmp_path: Path, new_place: Callable[[], Path]) -> None:
    (instance / "handlers" / "large.bin").write_bytes(os.urandom(1_000_000))
    archive = made(kit, tmp_path / "backups")
    place = new_place()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, hard))
    try:
        result = restored(archive)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {archive} can't be unpacked in {place} (File too large). Nothing was changed.\n"
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_the_folders_owner(
    kit: Kit, tmp_path: Path, new_place: Callable[[], Path]
) -> None:
    archive = made(kit, tmp_path / "backups")
    place = new_place()
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    assert restored(archive).exit_code == 0
    assert {path.stat().st_uid for path in place.rglob("*")} == {12345}


@pytest.mark.sqlite
def test_of_two_restores_at_once_one_is_refused(kit: Kit, tmp_path: Path, new_place: Callable[[], Path]) -> None:
    archive, place = made(kit, tmp_path / "backups"), new_place()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        refused = restored(archive)
    finally:
        os.close(opened)
    assert (refused.exit_code, list(place.iterdir())) == (1, [])
    assert f"Another restore is putting files into {place}." in refused.stderr
    assert restored(archive).exit_code == 0


@pytest.mark.parametrize(
    "wrong", [{"orders": "\x1b[31m7"}, {"made_at": "yesterday"}, {"made_at": 5}, {"made_at": "2026-12-01"}]
)
def test_a_manifest_of_wrong_values_is_refused_before_anything_changes(
    kit: Kit, tmp_path: Path, new_place: Callable[[], Path], wrong: dict[str, object]
) -> None:
    def change(found: list[Member]) -> None:
        header, content = found[0]
        found[0] = header, json.dumps(json.loads(content) | wrong).encode()

    spoiled, place = rewritten(made(kit, tmp_path / "backups"), change), new_place()
    result = restored(spoiled)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "\x1b" not in result.output + result.stderr
    assert not place.exists() or list(place.iterdir()) == []
