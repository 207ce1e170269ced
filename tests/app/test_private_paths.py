"""What only its owner may read: repaired at start, and told by log, banner and doctor where it can't be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.app import private_paths, serving
from receiver.app.components import Kit
from receiver.app.doctor import set_up
from receiver.app.instance import set_up as init

PRIVATE = ("secret_key", "config.toml", "receiver.sqlite", "receiver.sqlite-wal", "receiver.sqlite.before-0024-x")


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """Give an instance that everybody may read, as after an unpacked backup or a `cp -r`."""
    folder = tmp_path / "opened"
    for path in (folder, folder / "outbox", folder / "handlers"):
        path.mkdir()
        path.chmod(0o755)
    for name in (*PRIVATE, "handlers/mine.py"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    return folder


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_secrets_and_personal_data_become_their_owners_alone(opened: Path) -> None:
    private_paths.repair(opened, opened / "receiver.sqlite")
    assert {mode(opened / name) for name in PRIVATE} == {0o600}
    assert mode(opened) == mode(opened / "outbox") == 0o700
    assert list(private_paths.exposed(opened, opened / "receiver.sqlite")) == []


def test_what_the_owner_may_do_stays_and_so_do_handlers(opened: Path) -> None:
    (opened / "secret_key").chmod(0o440)
    private_paths.repair(opened, None)
    assert mode(opened / "secret_key") == 0o400
    assert (mode(opened / "handlers"), mode(opened / "handlers" / "mine.py")) == (0o755, 0o644)


def test_a_database_elsewhere_is_repaired_but_not_its_folder(opened: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "data"
    elsewhere.mkdir(mode=0o755)
    for name in ("shop[1].sqlite", "shop[1].sqlite-wal", "shop[1].sqlite.before-0024-x", "others.sqlite"):
        (elsewhere / name).touch(0o644)
    private_paths.repair(opened, elsewhere / "shop[1].sqlite")
    assert sorted(path.name for path in elsewhere.iterdir() if mode(path) == 0o600) == [
        "shop[1].sqlite",
        "shop[1].sqlite-wal",
        "shop[1].sqlite.before-0024-x",
    ]
    assert mode(elsewhere) == 0o755


@pytest.mark.parametrize("bits", [0o775, 0o757, 0o777])
def test_a_folder_elsewhere_that_others_may_write_to_is_told(opened: Path, tmp_path: Path, bits: int) -> None:
    """Whoever may write to the folder of the database may put another one in its place."""
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    elsewhere.chmod(bits)
    (elsewhere / "shop.sqlite").touch(0o600)
    private_paths.repair(opened, elsewhere / "shop.sqlite")
    said = f"other users can replace the database, as they may write to {elsewhere}. Run: chmod go-w {elsewhere}"
    assert list(private_paths.exposed(opened, elsewhere / "shop.sqlite")) == [said]
    for safe in (0o755, 0o1777):  # in a sticky one, only its owner may replace a file
        elsewhere.chmod(safe)
        assert list(private_paths.exposed(opened, elsewhere / "shop.sqlite")) == []


def test_what_a_link_leads_to_is_left_alone_and_told(opened: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.touch(0o644)
    (opened / "secret_key").unlink()
    (opened / "secret_key").symlink_to(given)
    private_paths.repair(opened, None)
    assert mode(given) == 0o644
    path = opened / "secret_key"
    assert list(private_paths.exposed(opened, None)) == [f"other users can read {path}. Run: chmod go= {path}"]


def test_serving_repairs_what_it_can(make_app: Callable[..., Flask], instance: Path) -> None:
    (instance / "secret_key").chmod(0o644)
    instance.chmod(0o755)
    kit: Kit = make_app().extensions["receiver"]
    serving.start(kit, work=False)
    kit.engine.stop()
    assert (mode(instance / "secret_key"), mode(instance)) == (0o600, 0o700)


def test_what_cannot_be_repaired_is_told_at_start_by_init_and_by_doctor(
    make_app: Callable[..., Flask], instance: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As of another user's files, or on a disk that's read-only."""
    path = instance / "secret_key"
    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    said = f"other users can read {path}. Run: chmod go= {path}"
    kit: Kit = make_app().extensions["receiver"]
    with caplog.at_level(logging.WARNING):
        serving.start(kit, work=False)
    kit.engine.stop()
    assert said in [record.getMessage() for record in caplog.records]
    assert f"Warning: {said}" in list(init(kit, None))
    assert ("wrong", said) in [(one.state, one.text) for one in set_up.instance(kit)]
