"""Columns of plain text."""

from __future__ import annotations

import random

import pytest

from receiver.mail.text_layout import COLUMNS, columns, labelled, plain_line, width, wrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abc", 3), ("日本", 4), ("e\u0301", 1), ("￥1", 3), ("\u200fa", 1), ("محمد", 4), ("", 0)],
)
def test_width_is_what_a_terminal_shows(text: str, expected: int) -> None:
    assert width(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada\r\nBcc: eve\u2028\x85x", "Ada Bcc: eve x"),
        (" \ta\u202eb\u200b ", "a b"),
        ("\ud800", ""),
        (19.5, "19.5"),
        ("Zoë 日本", "Zoë 日本"),
    ],
)
def test_a_plain_line_has_nothing_in_it_that_cannot_be_seen(text: object, expected: str) -> None:
    assert plain_line(text) == expected


def test_two_columns_meet_both_ends_of_the_line() -> None:
    assert columns("2 × Enamel mug", "37,00 €") == "2 × Enamel mug" + " " * 51 + "37,00 €"
    assert columns("日本 sticker", "￥1,200") == "日本 sticker" + " " * 53 + "￥1,200"


def test_a_long_left_column_goes_on_below() -> None:
    assert columns("word " * 20, "1,00 €") == (
        "word word word word word word word word word word word word word  1,00 €\n"
        "    word word word word word word word"
    )


def test_a_long_right_column_has_a_line_of_its_own() -> None:
    assert columns("Total", "9" * 31) == "Total\n    " + "9" * 31


def test_a_value_cannot_pretend_to_be_another_line() -> None:
    assert columns("Mug\r\nTotal\t0.00", "1\n2") == "Mug Total 0.00" + " " * 55 + "1 2"
    assert labelled("Order", "1\nTotal 0.00") == "Order       1 Total 0.00"


def test_a_missing_value_has_no_label() -> None:
    assert labelled("Order", None) == ""
    assert labelled("Order", " ") == ""


def test_a_long_labelled_value_goes_on_below_itself() -> None:
    assert labelled("Payment", "x" * 61) == "Payment     " + "x" * 60 + "\n" + " " * 12 + "x"


def test_wrapping_keeps_line_breaks_and_indents() -> None:
    assert wrap("first\n\nsecond", 2) == "  first\n\n  second"
    assert wrap("") == ""


def test_a_word_wider_than_the_line_is_cut() -> None:
    assert wrap("x" * 100).split("\n") == ["x" * 72, "x" * 28]
    assert wrap("日" * 40).split("\n") == ["日" * 36, "日" * 4]


def test_no_line_is_ever_too_wide() -> None:
    chance = random.Random(72)
    fragments = ("word", " ", "日本", "\n", "x" * 90, "e\u0301", "محمد", "￥", "a-b")
    for _ in range(400):
        left, right = ("".join(chance.choices(fragments, k=chance.randint(0, 20))) for _ in range(2))
        for laid_out in (columns(left, right), columns(left), wrap(left, 4), labelled("Label", left)):
            assert all(width(line) <= COLUMNS for line in laid_out.split("\n"))
