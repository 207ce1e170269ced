"""The sources of the settings: built once, read again when the file changes."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from receiver.errors import Unavailable, UnknownSource
from receiver.orders import Mapping
from receiver.settings.reading import read_file
from receiver.sources import registry as module
from receiver.sources import saved_options
from receiver.sources.registry import Sources
from receiver.sources.saved_options import Saved, Stored
from receiver.sources.source import Source
from receiver.storage.opening import open_database
from tests.waiting import SOON

SECRET = "sixteen characters and more"
MAPPED = '[sources.shopintegrator.fields]\norder_id = "OrderRef"\n'


@pytest.fixture(autouse=True)
def _look_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_SECONDS", 0.0)


def write(folder: Path, text: str) -> None:
    """Write the settings file with a time stamp of its own, however fast the test is."""
    path = folder / "config.toml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, "utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_without_a_table_the_default_source_has_neither_mapping_nor_secrets(tmp_path: Path) -> None:
    assert Sources(tmp_path, {}).get() == Source("shopintegrator", None, ())


def test_a_table_gives_mapping_and_secrets(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {"eu": {"fields": {"order_id": "Ref"}, "secrets": [f" {SECRET} "]}})
    fields = {"order_id": "Ref"}
    assert sources.get("eu") == Source("eu", Mapping.from_table(fields), (SECRET,), from_file=fields)
    assert sources.problems == []


#: What is said of a setting that stands below a table.
MISPLACED = "the setting MAIL_SERVER, which has no effect there; put it above the first [table] of the file."


def test_a_source_never_shows_its_secrets(tmp_path: Path) -> None:
    source = Sources(tmp_path, {"eu": {"secrets": [SECRET]}}).get("eu")
    assert SECRET not in repr(source)


def test_a_name_without_a_table_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownSource, match="No source has this name"):
        Sources(tmp_path, {}).get("elsewhere")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (3, "must be a table."),
        ({"accept_chunked_forms": "yes"}, "accept_chunked_forms must be true or false."),
        ({"secrets": SECRET}, "secrets must be a list"),
        ({"secrets": [3]}, "secrets must be a list"),
        ({"secrets": ["short"]}, "A shared secret has at least 16 characters"),
        ({"fields": ["order_id"]}, "fields must be a table"),
        ({"fields": {"no_such_field": "X"}}, "no_such_field"),
    ],
)
def test_a_wrong_table_is_named_and_the_others_hold(tmp_path: Path, table: object, problem: str) -> None:
    sources = Sources(tmp_path, {"bad": table, "good": {}})
    (said,) = sources.problems
    assert said.startswith("[sources.bad] in config.toml: ")
    assert problem in said
    assert sources.get("good") == Source("good")
    with pytest.raises(UnknownSource):
        sources.get("bad")


def test_sources_that_are_no_tables_are_named(tmp_path: Path) -> None:
    sources = Sources(tmp_path, ["shopintegrator"])  # type: ignore[arg-type]
    assert sources.problems == ["sources in config.toml must be tables such as [sources.shopintegrator.fields]."]


def test_a_change_of_the_file_holds_without_a_restart(tmp_path: Path) -> None:
    write(tmp_path, "")
    sources = Sources(tmp_path, {})
    write(tmp_path, MAPPED)
    assert sources.get().mapping == Mapping.from_table({"order_id": "OrderRef"})


def test_a_file_that_appears_later_is_read(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {})
    assert sources.get().mapping is None
    write(tmp_path, MAPPED)
    assert sources.get().mapping is not None


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    """What the app was given at its start holds until the file's time stamp moves."""
    write(tmp_path, MAPPED)
    assert Sources(tmp_path, {}).get().mapping is None


def test_a_table_that_is_taken_out_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "[sources.eu]\n")
    sources = Sources(tmp_path, {"eu": {}})
    write(tmp_path, "\n\n")
    with pytest.raises(UnknownSource):
        sources.get("eu")


def test_a_file_that_is_about_to_be_written_or_is_gone_changes_nothing(tmp_path: Path) -> None:
    """Many an editor empties a file before it writes it anew."""
    path = tmp_path / "config.toml"
    write(tmp_path, MAPPED)
    sources = Sources(tmp_path, {"shopintegrator": {"fields": {"order_id": "OrderRef"}}})
    write(tmp_path, "")
    assert sources.get().mapping is not None
    path.unlink()
    sources.look_again()
    assert sources.get().mapping is not None


@pytest.mark.parametrize("broken", ["[sources", "[sources.shopintegrator]\nsecrets = 3\n"])
def test_while_a_change_is_wrong_the_old_tables_go_on(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, MAPPED)
    sources = Sources(tmp_path, {"shopintegrator": {"fields": {"order_id": "OrderRef"}}})
    with caplog.at_level(logging.ERROR, "receiver.sources.registry"):
        write(tmp_path, broken)
        assert sources.get().mapping is not None
    assert len(sources.problems) == 1
    assert "Until it's fixed, what was read before holds." in caplog.text


def test_a_wrong_table_does_not_keep_the_others_change_back(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {})
    write(tmp_path, MAPPED + "[sources.bad]\nsecrets = 3\n")
    assert sources.get().mapping is not None
    assert sources.problems != []


def test_a_mended_file_clears_the_problems(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {"bad": 3})
    write(tmp_path, MAPPED)
    sources.get()
    assert sources.problems == []


def test_the_file_is_looked_at_a_few_times_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_SECONDS", 60.0)
    sources = Sources(tmp_path, {})
    sources.get()
    write(tmp_path, MAPPED)
    assert sources.get().mapping is None


@pytest.fixture
def options() -> list[Stored]:
    """Give the options that the database holds."""
    return []


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, options: list[Stored]) -> list[Stored]:
    """Give the rules that the database holds; None in it makes the database fail."""
    rows: list[Stored] = []

    def read(_database: object) -> Saved:
        if None in rows:
            raise Unavailable("The database can't be used now.")
        return Saved(list(rows), list(options))

    monkeypatch.setattr(saved_options, "read", read)
    return rows


def with_database(folder: Path, tables: dict[str, object]) -> Sources:
    return Sources(folder, tables, open_database(f"sqlite:///{folder / 'receiver.sqlite'}", folder / "write.lock"))


def test_saved_rules_hold_beside_those_of_the_file(tmp_path: Path, stored: list[Stored]) -> None:
    stored += [("shopintegrator", "total", '"Sum"'), ("shopintegrator", "currency", '{"value": "GBP"}')]
    source = with_database(tmp_path, {"shopintegrator": {"fields": {"order_id": "Ref"}, "secrets": [SECRET]}}).get()
    saved = {"total": "Sum", "currency": {"value": "GBP"}}
    assert source.mapping == Mapping.from_table({"order_id": "Ref", **saved})
    assert (source.from_file, source.saved, source.secrets) == ({"order_id": "Ref"}, saved, (SECRET,))


def test_a_field_that_the_file_names_wins(tmp_path: Path, stored: list[Stored]) -> None:
    stored.append(("shopintegrator", "order_id", '"Saved"'))
    source = with_database(tmp_path, {"shopintegrator": {"fields": {"order_id": "File"}}}).get()
    assert source.mapping == Mapping.from_table({"order_id": "File"})
    assert source.saved == {}


def test_saved_rules_of_a_source_without_a_table_wait_for_it(tmp_path: Path, stored: list[Stored]) -> None:
    stored.append(("eu", "order_id", '"Ref"'))
    sources = with_database(tmp_path, {})
    with pytest.raises(UnknownSource):
        sources.get("eu")
    write(tmp_path, "[sources.eu]\n")
    assert sources.get("eu").saved == {"order_id": "Ref"}


@pytest.mark.parametrize(
    ("in_file", "saved", "accepts"),
    [
        ({}, "true", True),
        ({}, "false", False),
        ({"accept_chunked_forms": True}, "false", True),
        ({"accept_chunked_forms": False}, "true", False),
    ],
)
def test_chunked_forms_are_accepted_by_what_is_saved_unless_the_file_says_otherwise(
    tmp_path: Path, stored: object, options: list[Stored], in_file: object, saved: str, accepts: bool
) -> None:
    options.append(("shopintegrator", "accept_chunked_forms", saved))
    assert with_database(tmp_path, {"shopintegrator": in_file}).get().accepts_chunked_forms is accepts


def test_a_change_in_the_database_holds_without_a_restart(tmp_path: Path, stored: list[Stored]) -> None:
    sources = with_database(tmp_path, {})
    assert sources.get().mapping is None
    stored.append(("shopintegrator", "order_id", '"Ref"'))
    assert sources.get().mapping == Mapping.from_table({"order_id": "Ref"})
    stored.clear()
    assert sources.get().mapping is None


def test_while_the_database_fails_what_was_read_goes_on(
    tmp_path: Path, stored: list[Stored], caplog: pytest.LogCaptureFixture
) -> None:
    stored.append(("shopintegrator", "order_id", '"Ref"'))
    sources = with_database(tmp_path, {})
    sources.get()
    stored[:] = [None]  # type: ignore[list-item]
    with caplog.at_level(logging.WARNING, "receiver.sources.registry"):
        assert sources.get().mapping is not None
        assert sources.get().mapping is not None
    assert caplog.text.count("What was read before holds.") == 1
    stored.clear()
    assert sources.get().mapping is None


def test_whoever_changed_something_need_not_wait(
    tmp_path: Path, stored: list[Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_SECONDS", 60.0)
    sources = with_database(tmp_path, {})
    sources.get()
    stored.append(("shopintegrator", "order_id", '"Ref"'))
    assert sources.get().mapping is None
    sources.look_again()
    assert sources.get().mapping is not None


def test_nobody_waits_for_another_threads_look_but_at_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, answer = threading.Event(), threading.Event()

    def slow(_database: object) -> Saved:
        looking.set()
        assert answer.wait(SOON)
        return Saved([("shopintegrator", "order_id", '"Ref"')], [])

    monkeypatch.setattr(saved_options, "read", lambda _database: Saved([], []))
    sources = with_database(tmp_path, {})
    sources.get()
    monkeypatch.setattr(saved_options, "read", slow)
    thread = threading.Thread(target=sources.get)
    thread.start()
    assert looking.wait(SOON)
    assert sources.get().mapping is None
    answer.set()
    thread.join()
    assert sources.get().mapping is not None


def test_what_was_wrong_at_the_start_blocks_until_it_is_mended(tmp_path: Path) -> None:
    write(tmp_path, "[sources.bad]\nsecrets = 3\n")
    sources = Sources(tmp_path, {"bad": {"secrets": 3}})
    assert sources.blocking == sources.problems != []
    write(tmp_path, "[sources.bad]\nsecrets = 4\n")
    assert sources.blocking == sources.problems != []
    write(tmp_path, "[sources.bad]\n")
    assert sources.blocking == sources.problems == []
    assert sources.get("bad") == Source("bad")


def test_what_becomes_wrong_later_blocks_nothing(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {})
    write(tmp_path, "[sources.bad]\nsecrets = 3\n")
    sources.get()
    assert sources.problems != []
    assert sources.blocking == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('MAIL_SERVER = "smtp.shop.example"', MISPLACED),
        ('[sources.eu.fields]\norder_id = "OrderRef"\nMAIL_SERVER = "smtp.shop.example"', MISPLACED),
        (
            "accept_chunked_form = true",
            "'accept_chunked_form', which is no setting and has no effect; is accept_chunked_forms meant?",
        ),
        ('secret = "x"', "'secret', which is no setting and has no effect; is secrets meant?"),
        ("[sources.eu.field]", "'field', which is no setting and has no effect; is fields meant?"),
        ("limit = 3", "'limit', which is no setting and has no effect."),
    ],
)
def test_a_key_of_no_effect_below_a_table_is_told_and_stops_nothing(
    tmp_path: Path, content: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, f"[sources.eu]\n{content}\n")
    sources = Sources(tmp_path, read_file(tmp_path)["sources"])
    assert (sources.problems, sources.blocking) == ([], [])
    assert sources.warnings == [f"[sources.eu] in config.toml has {said}"]
    assert sources.get("eu").secrets == ()

    write(tmp_path, f"[sources.eu]\n{content}\n[sources.other]\n")
    assert sources.get("other") == Source("other")
    assert caplog.messages == sources.warnings

    write(tmp_path, "[sources.eu]\n")
    sources.get("eu")
    assert sources.warnings == []
