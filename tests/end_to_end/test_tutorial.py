"""The tutorial "Write a handler": its page shows the files themselves, and what it says to run is run as pasted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate.shown_files import ROOT, drawn, pages, shown
from receiver.handlers.registry import load
from tests import unmeasured

PAGE = (ROOT / "docs" / "write-a-handler.md").read_text("utf-8")
FOLDER = ROOT / "examples" / "tutorial"
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(fresh_instance: Path, tmp_path: Path) -> Path:
    """Give the kit's folder as the tutorial finds it after `make run`, with an instance of its own."""
    for name in (".venv", "wsgi.py", "receiver", "pyproject.toml", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(fresh_instance, tmp_path / "instance")
    return tmp_path


def sh(project: Path, word: str) -> str:
    """Run the page's first block that holds the word, as pasted; gives what it printed."""
    block = next(block for block in COMMANDS if word in block)
    environment = {**unmeasured.environment(), "RECEIVER_INSTANCE_PATH": str(project / "instance")}
    done = subprocess.run(
        ["sh", "-e", "-c", block], cwd=project, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def take(project: Path, *patterns: str) -> None:
    """Put files of the tutorial to where the page says that they belong."""
    for path in (path for pattern in patterns for path in FOLDER.glob(pattern)):
        folder = project / "instance" / path.parent.name
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.name)
def test_a_page_shows_the_files_themselves(page: Path) -> None:
    """Run ``make docs`` after a change of one of them."""
    text = page.read_text("utf-8")
    assert shown(text)
    assert drawn(text) == text


def test_every_file_of_the_tutorial_is_shown_and_no_other_code_is() -> None:
    there = {str(path.relative_to(ROOT)) for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert sorted(shown(PAGE)) == sorted(there)
    kinds = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert len(kinds) == len(COMMANDS) + len(there)


@pytest.mark.parametrize("name", [path.stem for path in (FOLDER / "handlers").glob("*.py")])
def test_every_handler_of_the_tutorial_inherits_the_battery(name: str) -> None:
    test = (FOLDER / "tests" / f"test_{name}.py").read_text("utf-8")
    assert f'class TestIt(HandlerCases):\n    name = "{name}"\n' in test


def test_a_block_is_drawn_again_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("new = 1\n")
    page = "Text.\n\n<!-- a.py -->\n```python\nold = 1\n```\n\n```sh\nmake run\n```\n"
    assert drawn(page, tmp_path) == page.replace("old", "new")
    assert shown(page) == ["a.py"]


def test_the_page_walked_from_top_to_bottom(project: Path) -> None:
    said = sh(project, "handlers new")
    assert "instance/handlers/tell_the_warehouse.py" in said
    assert "instance/tests/test_tell_the_warehouse.py" in said

    take(project, "handlers/tell*.py", "templates/*")
    said = sh(project, "selftest")
    assert re.search(r"handler tell_the_warehouse +done +3 items", said)
    assert re.search(r"mail of tell_the_warehouse +sent", said)

    take(project, "handlers/*.py", "tests/*.py")
    said = sh(project, "pytest -q instance/tests\n.venv/bin/flask handlers list")
    assert re.search(r"^\d\d passed", said, re.MULTILINE)
    assert "note_what_to_pack" in said


def test_the_handler_is_found_as_an_installed_package_and_its_test_passes_where_it_was(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, site = tmp_path / "book-courier", tmp_path / "site"
    shutil.copytree(FOLDER / "package", package)
    shutil.copy(FOLDER / "handlers" / "book_courier.py", package)
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, str(package)], check=True, timeout=100)
    assert "book_courier" not in {one.name for one in load(project / "instance").found()}
    monkeypatch.syspath_prepend(site)

    registry = load(project / "instance", [], {"book_courier": {"token": "t"}})

    found = registry.get("book_courier")
    assert registry.problems == ()
    assert found is not None
    assert (found.file, found.retries) == (str(site / "book_courier.py"), 3)

    take(project, "tests/test_book_courier.py")
    (project / "instance" / "tests" / "conftest.py").write_text('pytest_plugins = ["receiver.testing"]\n')
    command = [sys.executable, "-m", "pytest", "-q", "instance/tests", "-k", "booked or asked_again"]
    environment = {
        **unmeasured.environment(),
        "RECEIVER_INSTANCE_PATH": str(project / "instance"),
        "PYTHONPATH": str(site),
    }
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=100)
    assert "3 passed" in done.stdout, done.stdout
