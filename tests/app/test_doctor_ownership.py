"""Files of another user in the instance, which the server could not use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from receiver.app.doctor.set_up import strangers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("secret_key", "receiver.sqlite", "receiver.sqlite-wal", "write.lock"):
        (tmp_path / name).touch()
    return tmp_path


def give_away(path: Path) -> None:
    """Make a file another user's: one that nobody has, or root's where only root may give files away."""
    if os.geteuid() == 0:
        os.chown(path, 3_999_999, 3_999_999)
    else:
        path.unlink()
        path.symlink_to("/etc/passwd")


def problems(folder: Path) -> list[str]:
    return list(strangers(folder, folder / "receiver.sqlite"))


def test_one_owner_of_all_is_no_problem(folder: Path) -> None:
    assert problems(folder) == []


@pytest.mark.parametrize("name", ["write.lock", "receiver.sqlite", "receiver.sqlite-wal"])
def test_a_strangers_file_is_named_with_the_fix(folder: Path, name: str) -> None:
    give_away(folder / name)
    (problem,) = problems(folder)
    assert problem.startswith(f"{folder / name} belongs to ")
    assert "Run: chown " in problem
    assert problem.endswith(f" {folder / name}")


def test_another_user_than_the_owner_is_told_whom_to_run_it_as(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    (problem,) = problems(folder)
    assert "this process to 3999999. Run it as " in problem
