"""What is said of handlers that were added, changed or removed after a process had loaded them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.dispatch import handler_changes
from receiver.errors import Unavailable
from receiver.storage import processes
from receiver.storage.processes import Presence, ProcessRow, living
from tests.commanding import Run, runner
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

CODE = """
from _shared import WORD
from receiver.handlers import handler


@handler
def {name}(order, context):
    return WORD
"""
ADDED = "append_weather.py was added after the server started: restart it."


@pytest.fixture
def folder(instance: Path) -> Path:
    """Give the folder of handlers, with one that uses a shared file."""
    folder = instance / "handlers"
    (folder / "_shared.py").write_text("WORD = 'sunny'\n")
    (folder / "mine.py").write_text(CODE.format(name="mine"))
    return folder


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    return runner(make_app)


@pytest.fixture
def live(folder: Path, serve: Callable[..., Served]) -> Served:
    """Serve as `wsgi.py` does: the process has written down what it loaded."""
    shop = serve()
    begin(shop.kit, "server")
    return shop


def begin(kit: Kit, kind: str) -> None:
    names = [handler.name for handler in kit.registry.handlers]
    kit.presence.begin(kind, names, handler_changes.loaded_files(kit.registry))


def add(folder: Path) -> None:
    (folder / "append_weather.py").write_text(CODE.format(name="append_weather"))


def fresh(make_app: Callable[..., Flask], **settings: object) -> Kit:
    """Give the parts of an app that has just loaded what is on disk, as every command does."""
    kit: Kit = make_app(**settings).extensions["receiver"]
    return kit


def said(kit: Kit) -> list[str]:
    return handler_changes.differences(kit.database, kit.registry)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "added": (add, ADDED),
    "changed": (
        lambda folder: (folder / "mine.py").write_text(CODE.format(name="mine") + "\n# changed\n"),
        "mine.py was changed after the server started: restart it.",
    ),
    "shared": (
        lambda folder: (folder / "_shared.py").write_text("WORD = 'rainy'\n"),
        "_shared.py was changed after the server started: restart it.",
    ),
    "removed": (
        lambda folder: (folder / "mine.py").unlink(),
        "mine.py was removed after the server started: restart it.",
    ),
}


def test_of_what_is_as_it_was_loaded_nothing_is_said(
    live: Served, folder: Path, make_app: Callable[..., Flask]
) -> None:
    (folder / "mine.py").touch()
    (folder / "_unused.py").write_text("1 / 0\n")
    assert said(fresh(make_app)) == said(live.kit) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_on_disk_is_told_in_the_server_and_in_a_command(
    live: Served, folder: Path, make_app: Callable[..., Flask], change: str
) -> None:
    act, sentence = CHANGES[change]
    act(folder)
    assert said(live.kit) == [sentence]
    assert said(fresh(make_app)) == [sentence]


def test_a_shared_file_that_is_imported_when_a_handler_runs_counts_too(
    folder: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from receiver.handlers import handler\n\n\n@handler\ndef late(order, context):\n    import _late\n"
    (folder / "late.py").write_text(code)
    (folder / "_late.py").write_text("WORD = 1\n")
    shop = serve()
    begin(shop.kit, "server")
    shop.post(order_fields())
    shop.settled()
    monkeypatch.setattr(shop.kit.presence, "_next_sign", 0.0)
    shop.kit.presence.sign()
    (folder / "_late.py").write_text("WORD = 2\n")
    assert said(shop.kit) == ["_late.py was changed after the server started: restart it."]


def test_a_worker_is_called_one(folder: Path, kit: Kit) -> None:
    begin(kit, "worker")
    add(folder)
    assert said(kit) == ["append_weather.py was added after the worker started: restart it."]


def test_a_handler_that_comes_or_goes_by_a_setting_is_told(live: Served, make_app: Callable[..., Flask]) -> None:
    kit = fresh(make_app, HANDLERS=["register_customer", "append_csv"])
    assert said(kit) == [
        "append_csv runs by settings and packages as they are now, but not in the server: restart it.",
        "email_customer runs in the server, but not by settings and packages as they are now: restart it.",
        "notify_merchant runs in the server, but not by settings and packages as they are now: restart it.",
        "mine runs in the server, but not by settings and packages as they are now: restart it.",
    ]


def test_the_list_of_handlers_tells_the_truth(live: Served, folder: Path, run: Run) -> None:
    add(folder)
    result = run("handlers", "list", "--json")
    states = {row["name"]: row["state"] for row in json.loads(result.stdout)}
    assert (states["append_weather"], states["mine"]) == ("after restart", "on")
    assert ADDED in result.stderr.splitlines()


def test_the_list_of_handlers_needs_no_database(folder: Path, run: Run) -> None:
    result = run("handlers", "list", "--json", DATABASE_URL=f"sqlite:///{folder}/none/here.sqlite")
    assert result.exit_code == 0
    assert "mine" in result.stdout


def test_doctor_tells_the_truth(live: Served, folder: Path, make_app: Callable[..., Flask]) -> None:
    add(folder)
    found = [(one.state, one.text) for one in diagnose(fresh(make_app), quickly=True) if one.subject == "handlers"]
    assert ("wrong", ADDED) in found
    assert found[-1] == ("ok", "register_customer, email_customer, notify_merchant, mine")


@pytest.mark.parametrize("name", ["append_weather.py", "mine.py"])
def test_a_file_that_is_broken_is_not_to_be_restarted_for(
    live: Served, folder: Path, make_app: Callable[..., Flask], name: str
) -> None:
    (folder / name).write_text("1 / 0\n")
    found = [one for one in diagnose(fresh(make_app), quickly=True) if one.subject == "handlers"]
    assert [one.text.split(": ")[0] for one in found if one.state == "wrong"] == [f"{folder / name} cannot be loaded"]


def test_the_handlers_page_tells_the_truth(live: Served, folder: Path) -> None:
    visitor = Visitor(live.base)
    visitor.sign_in()
    add(folder)
    assert ADDED in visitor.get("/admin/handlers").text


@pytest.mark.parametrize("of_the_server", [True, False], ids=["through the server", "on its own"])
def test_the_self_test_says_what_the_server_ran(live: Served, folder: Path, run: Run, of_the_server: bool) -> None:
    """Without ``--url`` it serves what is on disk itself, and still looks at the server that runs."""
    add(folder)
    result = run("selftest", "--json", *(["--url", live.url] if of_the_server else []))
    assert result.exit_code == 1
    steps = {row["step"]: (row["passed"], row["state"], row["detail"]) for row in json.loads(result.stdout)}
    assert steps["running now"] == (False, "outdated", ADDED)
    not_run = (False, "not run", "the receiver hasn't loaded it")
    assert steps["handler append_weather"] == (not_run if of_the_server else (True, "done", "sunny"))
    assert steps["handler mine"] == (True, "done", "sunny")
    (folder / "another.py").write_text(CODE.format(name="another"))
    missed = run("selftest", *(["--url", live.url] if of_the_server else [])).stderr
    of_handlers = "handler another, handler append_weather, " if of_the_server else ""
    assert f"the self test failed at: {of_handlers}running now\n" in missed


def test_a_process_that_has_ended_is_ignored_and_its_row_goes(folder: Path, kit: Kit) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    begin(kit, "server")
    with kit.database.write() as session:
        session.execute(update(ProcessRow).values(pid=ended.pid))
    add(folder)
    assert said(kit) == []
    Presence(kit.database).begin("server", [], dict)
    with kit.database.read() as session:
        assert [row.handlers for row in session.scalars(select(ProcessRow))] == ["[]"]


@pytest.mark.parametrize(("silent", "lives"), [(timedelta(seconds=100), True), (timedelta(minutes=3), False)])
def test_a_process_of_another_machine_has_ended_once_it_is_silent(kit: Kit, silent: timedelta, lives: bool) -> None:
    begin(kit, "server")
    with kit.database.write() as session:
        session.execute(update(ProcessRow).values(place="elsewhere/1", seen_at=datetime.now(UTC) - silent))
    with kit.database.read() as session:
        assert bool(living(session, datetime.now(UTC))) == lives


def test_signs_of_life_are_written_now_and_then_only(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[datetime] = []
    monkeypatch.setattr(Presence, "_write", lambda _, now, _patience: written.append(now))
    kit.presence.sign()
    assert written == [], "a command writes none"
    begin(kit, "server")
    for _ in range(3):
        kit.presence.sign()
    assert len(written) == 1
    monkeypatch.setattr(kit.presence, "_next_sign", 0.0)
    kit.presence.sign()
    assert len(written) == 2


def test_a_sign_of_life_waits_for_nobody_and_breaks_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start goes on while another writes; it is tried again soon."""
    other = Presence(kit.database)
    patience: list[float] = []
    write = Presence._write

    def noted(presence: Presence, now: datetime, seconds: float) -> None:
        patience.append(seconds)
        write(presence, now, seconds)

    with kit.database.write(), monkeypatch.context() as patched:
        patched.setattr(Presence, "_write", noted)
        other.begin("server", [], dict)
    assert patience == [0]
    other._next_sign = 0.0
    other.sign()
    with kit.database.read() as session:
        assert len(living(session, datetime.now(UTC))) == 1


def test_a_database_that_cannot_be_written_keeps_no_process_from_starting(kit: Kit) -> None:
    for raised in (Unavailable("-"), OSError("-"), OperationalError("-", {}, Exception("no such table: processes"))):
        presence = Presence(_Refusing(raised))  # type: ignore[arg-type]
        presence.begin("server", [], dict)
        presence.end()


class _Refusing:
    """Is a database that takes no write."""

    def __init__(self, raised: Exception) -> None:
        self._raised = raised

    def write(self, _patience: float) -> None:
        raise self._raised


@pytest.mark.sqlite
def test_a_sign_of_life_writes_what_is_loaded_only_when_that_has_changed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.py": "1"}
    written: list[str] = []
    listen(kit.database.engine, "before_cursor_execute", lambda *args: written.append(args[2]))

    def sign() -> list[str]:
        written.clear()
        monkeypatch.setattr(kit.presence, "_next_sign", 0.0)
        kit.presence.sign()
        return [statement for statement in written if "processes SET" in statement or "INTO processes" in statement]

    kit.presence.begin("server", [], lambda: files)
    assert sign() == ["UPDATE processes SET seen_at=? WHERE processes.token = ?"]
    files["b.py"] = "2"
    assert sign() == ["UPDATE processes SET seen_at=?, files=? WHERE processes.token = ?"]
    with kit.database.write() as session:
        session.execute(delete(ProcessRow))
    sign()
    with kit.database.read() as session:
        assert [one.files for one in living(session, datetime.now(UTC))] == [files]


def test_a_process_that_says_that_it_ends_is_gone(kit: Kit) -> None:
    begin(kit, "server")
    kit.presence.end()
    kit.presence.end()
    kit.presence.sign()
    with kit.database.read() as session:
        assert list(session.scalars(select(ProcessRow))) == []


def test_a_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert processes._has_process(1)
