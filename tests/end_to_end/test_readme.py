"""README and docs/: their commands are run as they stand, in a copy of the project, by its own Makefile."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from receiver.errors import ReceiverError
from receiver.settings.model import SETTINGS
from tests import unmeasured
from tests.waiting import SOON

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def block(kind: str, word: str, page: str = "README.md") -> str:
    """Return the one block of the page of this kind that holds the word."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = [code for language, code in blocks if language == kind and word in code]
    return str(found)


@dataclass
class Project:
    """Is a copy of the project that `make run` serves."""

    folder: Path
    port: int
    printed: Path

    def sh(self, code: str, *, ok: bool = True) -> str:
        """Run a block as pasted, but for the port."""
        done = subprocess.run(
            ["sh", "-e", "-c", code.replace(":8000", f":{self.port}")],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, path: str, text: str, *, append: bool = False) -> None:
        with (self.folder / path).open("a" if append else "w", encoding="utf-8") as file:
            file.write(text)


def _environment() -> dict[str, str]:
    """Give a new user's environment: no settings, no coverage of the copy, and Python keeps what it compiled."""
    others = ("RECEIVER_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in unmeasured.environment().items() if not name.startswith(others)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Copy what git tracks, lend it this environment's packages, and `make run` it."""
    folder = tmp_path_factory.mktemp("readme") / "project"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    port = _free_port()
    printed = folder / "printed"
    with printed.open("w") as output:
        made = subprocess.Popen(
            ["make", "run", f"PORT={port}"], cwd=folder, env=_environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(printed, "Ctrl-C to stop", made)
            yield Project(folder, port, printed)
        finally:
            made.terminate()
            made.wait(SOON)


def _wait_for(printed: Path, words: str, made: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while words not in printed.read_text("utf-8"):
        assert made.poll() is None, printed.read_text("utf-8")
        assert time.monotonic() < deadline, printed.read_text("utf-8")
        time.sleep(0.1)


def _wait_until_readme_is_done(project: Project, receipt: str) -> str:
    deadline = time.monotonic() + SOON
    while True:
        shown = project.sh(f".venv/bin/flask orders show {receipt}")
        if '"state": "open"' not in shown or time.monotonic() > deadline:
            return shown
        time.sleep(0.1)


def test_make_run_shows_the_self_test_passing_at_its_first_start(project: Project) -> None:
    printed = project.printed.read_text("utf-8")

    assert "The self test passed." in printed
    assert "Admin password: " in printed
    for line in ("recorded", "handler register_customer", "mail of email_customer", "second copy"):
        assert line in printed
    with urllib.request.urlopen(f"http://127.0.0.1:{project.port}/readyz") as answer:
        assert answer.status == 200


def test_the_first_order_goes_as_pasted(project: Project) -> None:
    answered = project.sh(block("sh", "curl -i"))
    assert " 202 " in answered
    assert '"status":"accepted"' in answered
    receipt = re.search(r"rcp_\d+", answered)
    assert receipt is not None
    shown = _wait_until_readme_is_done(project, receipt[0])
    assert '"state": "done"' in shown

    listed = project.sh(block("sh", "customers list"))

    assert "A-1001" in listed
    assert "ada@your-shop.example" in listed
    assert ".eml" in listed
    again = project.sh(block("sh", "curl -i").split("\n", 1)[1])
    assert '"status":"duplicate"' in again


def test_names_that_differ_are_mapped_while_the_server_runs(project: Project) -> None:
    with suppress(AssertionError):
        project.sh(".venv/bin/flask secret add try-this-secret-first")
    post = (
        f"curl -s http://127.0.0.1:{project.port}/orders -d AuthKey=try-this-secret-first -d OrderRef=77 "
        "-d BuyerEmail=bea@your-shop.example -d Product1Name=Mug -d Product1Quantity=2 -d OrderDate=23/11/2026 "
        "--data-urlencode Total=£1.234,56 -d Country=UK"
    )
    assert '"status":"parked"' in project.sh(post)

    project.write("instance/config.toml", block("toml", "OrderRef", "docs/map-names.md"), append=True)
    replayed = project.sh(block("sh", "replay --parked", "docs/map-names.md"))

    assert "open" in replayed
    assert '"status":"accepted"' in project.sh(post.replace("OrderRef=77", "OrderRef=78"))


def test_the_handler_of_the_readme_works_on_the_dummy_order(project: Project) -> None:
    project.write("instance/handlers/tell_the_warehouse.py", block("python", "tell_the_warehouse"))
    project.write("instance/templates/warehouse.txt", block("jinja", "warehouse.txt"))

    printed = project.sh(block("sh", "handlers list"))

    assert re.search(r"tell_the_warehouse on order TEST-\w+: done in \d+ ms\n3 items\n", printed)
    assert re.search(r"handler tell_the_warehouse +done +3 items", printed)
    assert re.search(r"mail of tell_the_warehouse +sent", printed)


def test_an_email_is_previewed_and_its_template_copied(project: Project) -> None:
    printed = project.sh(block("sh", "mail preview", "docs/mails.md"))
    assert "A-1001" in printed
    assert (project.folder / "preview.html").exists()

    project.sh(block("sh", "mail customise", "docs/mails.md"))
    assert (project.folder / "instance" / "templates" / "order_confirmation.html").exists()


def test_the_instance_is_backed_up(project: Project) -> None:
    command = block("sh", "flask backup", "docs/backup-and-upgrade.md")
    assert "Backed up to" in project.sh(command.replace("/somewhere/else", str(project.folder)))


def test_a_secret_is_replaced(project: Project) -> None:
    made = project.sh(".venv/bin/flask secret add a-secret-to-be-replaced --json")
    fingerprint = json.loads(made)["fingerprint"]
    command = block("sh", "--replaces", "docs/connect-your-shop.md").replace("flask", ".venv/bin/flask", 1)
    project.sh(command.replace("NEW", "a-secret-that-replaces-it").replace("OLD_FINGERPRINT", fingerprint))
    listed = project.sh(".venv/bin/flask secret list")
    assert re.search(rf"{fingerprint} .*active", listed)


def test_a_recipe_is_tried_before_it_runs(project: Project) -> None:
    shutil.copy(
        project.folder / "examples" / "handlers" / "post_to_warehouse.py", project.folder / "instance" / "handlers"
    )
    printed = project.sh(block("sh", "post_to_warehouse", "docs/recipes.md"), ok=False)
    assert "post_to_warehouse on order TEST-" in printed


def test_a_second_start_takes_no_self_test(project: Project) -> None:
    port = _free_port()
    with (project.folder / "second").open("w") as output:
        made = subprocess.Popen(
            ["make", "run", f"PORT={port}"], cwd=project.folder, env=_environment(), stdout=output, stderr=output
        )
        try:
            _wait_for(project.folder / "second", "Ctrl-C to stop", made)
        finally:
            made.terminate()
            made.wait(SOON)

    assert "self test" not in (project.folder / "second").read_text("utf-8")


@pytest.mark.parametrize("name", SETTINGS)
def test_the_settings_page_has_every_setting_with_its_meaning(name: str) -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    meaning = str(SETTINGS[name].description)

    assert f"| `{name}` |" in page
    assert meaning in page


def test_the_answers_page_has_every_status_that_an_error_ends_in() -> None:
    page = (ROOT / "docs" / "answers.md").read_text("utf-8")
    for error in ReceiverError.__subclasses__():
        assert re.search(rf"^\| [^|]*\b{error.status}\b", page, re.MULTILINE), error


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    assert len(README.splitlines()) <= 110
    assert re.findall(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)[:2] == ["make run", "make test"]
