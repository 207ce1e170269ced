"""How a mapping turns foreign amounts into the contract's."""

from __future__ import annotations

import pytest

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
