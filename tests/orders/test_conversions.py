"""How a mapping turns foreign amounts, dates and names into the contract's."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders import conversions
from receiver.orders.conversions import decimal_text


@pytest.mark.parametrize(
    ("value", "point", "expected"),
    [
        ("£1.234,56", ",", "1234.56"),
        ("1 234,5 €", ",", "1234.5"),
        ("1.234.567", ",", "1234567"),
        ("¥1,200.00", ".", "1200"),
        ("Rs. 12,34,567.89", ".", "1234567.89"),
        ("CHF 1'234.50", ".", "1234.50"),
        ("-£5.00", ".", "-5"),
        ("−5,25", ",", "-5.25"),
        ("0,00", ",", "0"),
        ("12,", ",", "12"),
        ("12.34", ",", "12.34"),
        ("1,23,4", ",", "1,23,4"),
        (".50", ".", ".50"),
        (".50", ",", ".50"),
        ("£.50", ",", "£.50"),
        (",50", ".", ",50"),
        ("Fr.500", ",", "500"),
        ("12.50-", ".", "12.50-"),
        ("(5.00)", ".", "(5.00)"),
        ("1e5", ".", "1e5"),
        ("free", ".", "free"),
        ("１２", ".", "１２"),
    ],
)
def test_decimals_are_read_or_passed_on(value: str, point: str, expected: str) -> None:
    assert decimal_text(value, point) == expected


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        ("4980", "EUR", "49.80"),
        ("4980", "JPY", "4980"),
        ("4980", "KWD", "4.980"),
        ("-250", "USD", "-2.50"),
        ("3000.0", "USD", "30.00"),
        ("5", "EUR", "0.05"),
        # A hundred times too much is no amount.
        ("4980", None, "4980 (minor units of an unknown currency)"),
        ("0", None, "0"),
        ("49.80", "EUR", "49.80 (minor units of EUR)"),
        ("", "EUR", ""),
    ],
)
def test_minor_units_follow_the_currency(value: str, currency: str | None, expected: str) -> None:
    assert conversions.minor_text(value, currency) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("1739400000", "s", "2025-02-12T22:40:00+00:00"),
        ("1167609600000", "ms", "2007-01-01T00:00:00+00:00"),
        ("1739400000.5", "s", "2025-02-12T22:40:00.500000+00:00"),
        ("1e99", "s", "1e99"),
        ("99999999999999", "s", "99999999999999"),
        ("soon", "s", "soon"),
    ],
)
def test_seconds_since_1970_are_a_date(value: str, unit: str, expected: str) -> None:
    assert conversions.epoch_text(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("Hollis Underhill", "Hollis", "Underhill"),
        ("Mary Ann Smith", "Mary Ann", "Smith"),
        ("Cher", "Cher", ""),
        ("", "", ""),
    ],
)
def test_a_whole_name_is_split(value: str, first: str, last: str) -> None:
    assert (conversions.split_text(value, "first"), conversions.split_text(value, "last")) == (first, last)


@pytest.mark.parametrize(
    ("value", "forms", "expected"),
    [
        ("22:28:23 Dec 22, 2016 PST", ["%H:%M:%S %b %d, %Y %Z"], "2016-12-23T06:28:23+00:00"),
        ("22:28:23 Jun 22, 2016 pdt", ["%H:%M:%S %b %d, %Y %Z"], "2016-06-23T05:28:23+00:00"),
        ("22:28:23 Dec 22, 2016 XYZ", ["%H:%M:%S %b %d, %Y %Z"], "22:28:23 Dec 22, 2016 XYZ"),
        ("23.11.2026", ["%d/%m/%Y", "%d.%m.%Y"], "2026-11-22T23:00:00+00:00"),
        ("2026-11-23T06:05:00-0800", ["%Y-%m-%dT%H:%M:%S%z"], "2026-11-23T14:05:00+00:00"),
        ("x" * 101, ["%Y"], "x" * 101),
    ],
)
def test_dates_in_several_forms_and_with_words_for_zones(value: str, forms: list[str], expected: str) -> None:
    assert conversions.date_text(value, forms, ZoneInfo("Europe/Berlin")) == expected


def test_sums_quotients_rounding_and_signs() -> None:
    assert conversions.sum_text(["5.50", "2", "0.10"]) == "7.60"
    assert conversions.sum_text(["5.50", "x"]) == "5.50 + x"
    assert conversions.divided_text("30.00", "2") == "15"
    assert conversions.divided_text("20", "3") == "6.666667"
    assert conversions.divided_text("30.00", "0") == conversions.divided_text("30.00", "") == "30.00"
    assert conversions.rounded_text("59.970000000000006", "EUR") == "59.97"
    assert conversions.rounded_text("2.5", "JPY") == "3"
    assert conversions.rounded_text("2.345", None) == "2.35"
    assert conversions.rounded_text("free", "EUR") == "free"
    assert (conversions.negated_text("10.00"), conversions.negated_text("-10.00")) == ("-10.00", "10.00")


@pytest.mark.parametrize(
    "convert",
    [
        lambda text: conversions.minor_text(text, "EUR"),
        lambda text: conversions.epoch_text(text, "ms"),
        lambda text: conversions.sum_text([text, "1"]),
        lambda text: conversions.divided_text(text, "7"),
        lambda text: conversions.divided_text("7", text),
        lambda text: conversions.rounded_text(text, "KWD"),
    ],
)
@given(
    text=st.text(max_size=30) | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,9})?", fullmatch=True)
)
def test_no_text_breaks_a_conversion_or_makes_a_long_one(convert: Callable[[str], str], text: str) -> None:
    assert len(convert(text)) < 200
