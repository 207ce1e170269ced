"""Checks of single values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from babel.core import Locale
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders import values
from receiver.orders.email_addresses import bare_address


@pytest.mark.parametrize("text", ["0", "0.00", "19.99", "-5.00", "999999999999999.123456", "007.5"])
def test_amount_is_read_exactly(text: str) -> None:
    assert values.amount(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "1E5",
        "1_000",
        "１２",
        "1,5",
        "+5",
        ".5",
        "5.",
        "1 000",
        "£5",
        "0x1",
        "1" * 16,
        "--1",
        "1.1234567",
        "٣",
        "1\n",
    ],
)
def test_amount_that_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal number"):
        values.amount(text)


def test_discount_must_not_be_negative() -> None:
    assert values.positive_amount("5.75") == Decimal("5.75")
    with pytest.raises(ValueError, match="positive"):
        values.positive_amount("-5.75")


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4))
def test_amounts_never_pass_through_a_float(amount: Decimal) -> None:
    assert str(values.amount(format(amount, "f"))) == format(amount, "f")


@pytest.mark.parametrize(
    ("currency", "places"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XAF", 0), (None, 4)]
)
def test_currency_limits_the_decimals(currency: str | None, places: int) -> None:
    values.check_decimals(Decimal(1).scaleb(-places), currency)
    with pytest.raises(ValueError, match=f"more than the {places} decimals"):
        values.check_decimals(Decimal(1).scaleb(-places - 1), currency)


def test_decimals_of_a_number_without_any_pass_every_currency() -> None:
    def passes(number: str) -> bool:
        try:
            values.check_decimals(Decimal(number), "JPY")
        except ValueError:
            return False
        return True

    assert [passes(number) for number in ("1E+3", "NaN", "1", "1.0", "1E-1")] == [True, True, True, False, False]


def test_quantity_is_more_than_nothing_and_whole_where_it_can_be() -> None:
    assert [values.quantity(text) for text in ("12", "2.00", "0.55")] == [12, 2, Decimal("0.55")]
    assert isinstance(values.quantity("2.00"), int)
    for text in ("0", "0.00", "-1", "1e3", "２", "", "9" * 11, "1,5", "1.", ".5"):
        with pytest.raises(ValueError, match="greater than 0"):
            values.quantity(text)


def test_boolean_takes_four_words_in_any_case() -> None:
    assert [values.boolean(text) for text in ("true", "True", "1", "false", "FALSE", "0")] == [True] * 3 + [False] * 3
    for text in ("yes", "on", "", "2"):
        with pytest.raises(ValueError, match="true, false, 1 or 0"):
            values.boolean(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T14:05:00+01:00", datetime(2026, 11, 23, 13, 5, tzinfo=UTC)),
        ("2026-11-23t14:05:00.25z", datetime(2026, 11, 23, 14, 5, 0, 250000, tzinfo=UTC)),
        ("2026-11-23 14:05:00.123456789Z", datetime(2026, 11, 23, 14, 5, 0, 123456, tzinfo=UTC)),
        ("2026-03-29T02:30:00-00:00", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
    ],
)
def test_moment_is_rfc_3339_in_utc(text: str, expected: datetime) -> None:
    assert values.moment(text) == expected
    assert values.moment(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23",
        "2026-11-23T14:05:00",
        "23/11/2026",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-23T25:00:00Z",
        "2026-11-23T14:05:00+99:00",
        "٢٠٢٦-11-23T14:05:00Z",
        "",
    ],
)
def test_moment_without_offset_or_existence_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|does not exist"):
        values.moment(text)


def test_country_is_iso_3166() -> None:
    assert values.country("gb") == "GB"
    for text in ("UK", "EU", "ZZ", "UN", "GBR", "G", "Germany", "", "150", "ß"):
        with pytest.raises(ValueError, match="ISO 3166-1"):
            values.country(text)


def test_currency_is_iso_4217() -> None:
    assert values.currency("eur") == "EUR"
    for text in ("€", "EURO", "", "QQQ", "uß"):
        with pytest.raises(ValueError, match="ISO 4217"):
            values.currency(text)


def test_locale_is_a_known_language_tag() -> None:
    assert values.locale("en_gb") == "en-GB"
    assert values.locale("de-DE-u-co-phonebk") == "de-DE"
    for text in ("xx", "../../etc/passwd", "en\n", "", "e", "en" * 60, "\u0131d"):
        with pytest.raises(ValueError, match="BCP 47"):
            values.locale(text)


def test_every_locale_of_babel_reads_back_as_itself() -> None:
    for identifier in locale_identifiers():
        tag = values.locale(str(Locale.parse(identifier)))
        assert values.locale(tag) == tag


@pytest.mark.parametrize("address", ["=?utf-8?b?DQpCY2M6?=@b.test", "a=?b@b.test", "\uff1d\uff1fa@b.test"])
def test_an_address_that_begins_an_encoded_word_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"=\?"):
        bare_address(address)


def test_an_address_with_signs_of_an_encoded_word_apart_is_taken() -> None:
    assert bare_address("a=b?c@b.test") == "a=b?c@b.test"


def test_a_url_is_no_longer_than_servers_take() -> None:
    assert values.url("https://shop.example/" + "a" * 2_000)
    with pytest.raises(ValueError, match="longer"):
        values.url("https://shop.example/" + "a" * 2_048)
