"""What is said of an error: to the log its type and place, to the merchant its words too."""

from __future__ import annotations

import json

from receiver import faults
from receiver.errors import Unavailable


class Unspeakable(Exception):
    """Fails again when it is asked for its words."""

    def __str__(self) -> str:
        raise SystemExit("ada@shop.example")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_the_log_learns_the_type_and_the_place_alone() -> None:
    said = faults.for_the_log(raised(KeyError("ada@shop.example")))
    assert said.startswith("KeyError at test_faults.py, line ")
    assert "ada" not in said


def test_the_place_is_the_line_of_the_file_asked_for_where_it_has_a_part_in_it() -> None:
    try:
        json.loads("{")
    except ValueError as caught:
        error = caught
    assert faults.place(error).startswith("decoder.py, line ")
    assert faults.place(error, __file__).startswith("test_faults.py, line ")
    assert faults.place(error, "elsewhere.py").startswith("decoder.py, line ")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert faults.for_the_log(KeyError()) == "KeyError at a place unknown"


def test_the_merchant_reads_the_words_too() -> None:
    assert faults.in_words(RuntimeError("the warehouse is closed")) == "RuntimeError: the warehouse is closed"


def test_words_that_cannot_be_stored_or_had_are_no_second_error() -> None:
    assert faults.in_words(ValueError("half \ud800 a pair")) == "ValueError: half ? a pair"
    assert faults.in_words(Unspeakable()) == "Unspeakable: (its words cannot be read)"


def test_what_keeps_orders_off_the_disk_is_said_in_our_own_words() -> None:
    said = "The database cannot be used now (database or disk is full); try again."
    assert faults.for_the_log(raised(Unavailable(said))) == said
