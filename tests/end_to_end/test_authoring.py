"""`flask handlers new` writes a handler and a test that pass as they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests import unmeasured
from tests.commanding import lines, runner

ROOT = Path(__file__).parents[2]


def test_a_new_handlers_test_passes_as_written_and_fails_when_the_handler_does(
    make_app: Callable[..., Flask], instance: Path
) -> None:
    said = runner(make_app)("handlers", "new", "tell_the_warehouse")
    assert said.exit_code == 0
    assert str(instance / "handlers" / "tell_the_warehouse.py") in lines(said)[0]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(instance / "tests")]
    environment = {**unmeasured.environment(), "RECEIVER_INSTANCE_PATH": str(instance)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout
    file = instance / "handlers" / "tell_the_warehouse.py"
    file.write_text(file.read_text().replace("if not order.items:", "if not order.items[0].name:"))
    command += ["-k", "missing"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)

    assert "test_it_survives_missing_fields" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("name", ["../x", "Tell", "class", "a b", "", "_x"])
def test_a_name_that_no_handler_can_have_is_told(make_app: Callable[..., Flask], instance: Path, name: str) -> None:
    said = runner(make_app)("handlers", "new", name)
    assert said.exit_code == 1
    assert "is no handler's name" in said.stderr
    assert not (instance / "tests").exists()


def test_nothing_is_overwritten(make_app: Callable[..., Flask], instance: Path) -> None:
    run = runner(make_app)
    file = instance / "handlers" / "mine.py"
    file.write_text("# half done\n")
    said = run("handlers", "new", "mine")
    assert "is there already" in said.stderr
    assert file.read_text() == "# half done\n"
    assert "is there already" in run("handlers", "new", "notify_merchant").stderr


def test_a_folder_that_cannot_be_written_is_told(make_app: Callable[..., Flask], instance: Path) -> None:
    (instance / "tests").write_text("in the way")
    said = runner(make_app)("handlers", "new", "mine")
    assert (said.exit_code, "cannot be written" in said.stderr) == (1, True)
