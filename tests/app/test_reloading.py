"""Watching the files of handlers: what comes, goes or is changed there is acted on once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.app import reloading
from tests.waiting import SOON, wait_for


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "_LOOK_EVERY_SECONDS", 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text("1")
    (tmp_path / "_shared.py").write_text("1")
    (tmp_path / "lib").mkdir()
    return tmp_path


CHANGES: dict[str, Callable[[Path], object]] = {
    "added": lambda folder: (folder / "more.py").write_text("1"),
    "changed": lambda folder: (folder / "mine.py").write_text("2"),
    "shared": lambda folder: (folder / "_shared.py").write_text("2"),
    "deeper": lambda folder: (folder / "lib" / "words.py").write_text("1"),
    "removed": lambda folder: (folder / "mine.py").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_of_change_is_acted_on(folder: Path, change: str) -> None:
    acted = threading.Event()
    reloading.on_change(folder, acted.set)
    CHANGES[change](folder)
    assert acted.wait(SOON)


def test_a_change_is_acted_on_each_time_and_once(folder: Path) -> None:
    acted: list[str] = []
    reloading.on_change(folder, lambda: acted.append((folder / "mine.py").read_text()))
    for text in ("2", "3"):
        (folder / "mine.py").write_text(text)
        wait_for(lambda text=text: text in acted)  # type: ignore[misc]
    (folder / "notes.txt").write_text("no code")
    (folder / "mine.py").write_text("4")
    wait_for(lambda: "4" in acted)
    assert acted == ["2", "3", "4"]


def test_a_process_that_its_parent_replaces_stops_its_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    monkeypatch.setenv(reloading.BY_THE_PARENT, "1")
    reloading.watch(folder, stopped.set)
    CHANGES["added"](folder)
    assert stopped.wait(SOON)


def test_a_process_that_nobody_replaces_works_on(folder: Path) -> None:
    before = threading.active_count()
    reloading.watch(folder, lambda: None)
    assert threading.active_count() == before
