"""What is said of an error: to the log its type and place, to the merchant its words too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest

from receiver import errors
from receiver.errors import Unavailable
from receiver.handlers import Skip


class Unspeakable(Exception):
    """Fails again when it is asked for its words."""

    def __str__(self) -> str:
        raise SystemExit("ada@shop.example")


def caught(call: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as info:  # noqa: PT011 - any error at all
        call()
    return info.value


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_the_log_learns_the_type_and_the_place_alone() -> None:
    said = errors.describe_for_log(raised(KeyError("ada@shop.example")))
    assert said.startswith("KeyError at tests/test_errors.py, line ")
    assert "ada" not in said


def test_the_place_is_the_line_of_the_file_asked_for_where_it_has_a_part_in_it() -> None:
    try:
        json.loads("{")
    except ValueError as caught:
        error = caught
    assert errors.location(error).startswith("decoder.py, line ")
    assert errors.location(error, __file__).startswith("test_errors.py, line ")
    assert errors.location(error, "elsewhere.py").startswith("decoder.py, line ")


def test_the_way_goes_through_the_files_of_the_folder_and_names_no_value(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for name, code in {
        "mine.py": "def first(call):\n    return second(call)\ndef second(call):\n    return call()\n",
        "lib/helper.py": "import json\ndef read():\n    return json.loads('ada@shop.example')\n",
    }.items():
        (tmp_path / name).write_text(code)
    mine, helper = (run_path(str(tmp_path / name)) for name in ("mine.py", "lib/helper.py"))

    error = caught(lambda: mine["first"](helper["read"]))

    assert errors.location(error, str(tmp_path / "mine.py")) == "mine.py, line 2 > line 4 > helper.py, line 3"
    assert errors.location(error, str(tmp_path / "lib" / "helper.py")) == "helper.py, line 3"
    said = errors.describe_for_log(error, str(tmp_path / "mine.py"))
    way = re.escape(f"{tmp_path}/mine.py, line 2 > line 4 > {tmp_path}/lib/helper.py, line 3 > ")
    assert re.fullmatch(rf"JSONDecodeError at {way}.*/json/decoder\.py, line \d+", said)


def test_of_an_installed_handler_the_way_goes_through_its_own_file_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "mine.py").write_text("def first(call):\n    return call()\n")
    (folder / "other.py").write_text("def read():\n    raise ValueError\n")
    mine, other = (run_path(str(folder / name)) for name in ("mine.py", "other.py"))

    error = caught(lambda: mine["first"](other["read"]))

    assert errors.location(error, str(folder / "mine.py")) == "mine.py, line 2"


def test_a_way_without_end_is_told_in_short(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def first():\n    return again()\ndef again():\n    return again()\n")

    error = caught(run_path(str(tmp_path / "mine.py"))["first"])

    assert errors.location(error, str(tmp_path / "mine.py")) == (
        "mine.py, line 2 > line 4 > line 4 > … > line 4 > line 4 > line 4"
    )


def test_the_log_names_every_frame_of_ours_and_of_the_handler_and_the_one_that_raised(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def mine(call):\n    return call('ada@shop.example')\n")
    mine = run_path(str(tmp_path / "mine.py"))["mine"]

    error = caught(lambda: mine(lambda words: Skip([words])))  # type: ignore[arg-type]

    said = errors.describe_for_log(error, str(tmp_path / "mine.py"))
    way = re.escape(f"{tmp_path}/mine.py, line 2 > receiver/handlers/contract.py")
    assert re.fullmatch(rf"TypeError at {way}, line \d+ > line \d+", said)


def test_long_words_leave_room_for_the_way() -> None:
    said = errors.describe_with_location(raised(ValueError("x" * 1000)), __file__)
    assert said.startswith("ValueError: xxx")
    assert re.search(r"x… \(test_errors\.py, line \d+\)$", said)
    assert len(said) < 400


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert errors.describe_for_log(KeyError()) == "KeyError at an unknown place"


def test_the_merchant_reads_the_words_too() -> None:
    assert errors.describe(RuntimeError("the warehouse is closed")) == "RuntimeError: the warehouse is closed"


def test_words_that_cannot_be_stored_or_had_are_no_second_error() -> None:
    assert errors.describe(ValueError("half \ud800 a pair")) == "ValueError: half ? a pair"
    assert (
        errors.describe(ValueError("a\0b\x1b[31mred\ttab\nline\u202eback")) == "ValueError: a?b?[31mred\ttab\nline?back"
    )
    assert errors.describe(Unspeakable()) == "Unspeakable: (its words can't be read)"


def test_what_keeps_orders_off_the_disk_is_said_in_our_own_words() -> None:
    said = "The database can't be used now (database or disk is full); try again."
    assert errors.describe_for_log(raised(Unavailable(said))) == said
