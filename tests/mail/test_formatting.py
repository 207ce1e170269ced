"""Amounts, dates and countries in a person's language."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from receiver.mail.formatting import country, date, known_locale, money

ENGLISH, GERMAN, JAPANESE = Locale("en"), Locale("de", "DE"), Locale("ja", "JP")


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("1234.50", "EUR", GERMAN, "1.234,50 €"),
        ("1234.50", "EUR", ENGLISH, "€1,234.50"),
        ("1200", "JPY", JAPANESE, "￥1,200"),
        ("1.234", "KWD", ENGLISH, "KWD 1.234"),
        ("20", "CHF", ENGLISH, "CHF 20.00"),
        ("20", "CAD", ENGLISH, "CA$20.00"),
        ("-5.75", "EUR", GERMAN, "-5,75 €"),
        ("0.00", "GBP", Locale("en", "GB"), "£0.00"),
        ("19", "GBP", Locale("en", "GB"), "£19.00"),
        ("0.0125", "EUR", GERMAN, "0,0125 €"),
        ("123456789012345.67", "EUR", ENGLISH, "€123,456,789,012,345.67"),
    ],
)
def test_an_amount_with_a_currency(amount: str, currency: str, locale: Locale, text: str) -> None:
    assert money(Decimal(amount), currency, locale).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("amount", "locale", "text"),
    [
        ("19.90", ENGLISH, "19.90"),
        ("19.90", GERMAN, "19,90"),
        ("1234567", Locale("en", "IN"), "12,34,567"),
        ("1E+2", ENGLISH, "100"),
        ("NaN", ENGLISH, "NaN"),
    ],
)
def test_an_amount_without_a_currency_is_a_plain_number(amount: str, locale: Locale, text: str) -> None:
    assert money(Decimal(amount), None, locale) == text


def test_what_is_missing_is_empty() -> None:
    assert money(None, "EUR", GERMAN) == ""


@pytest.mark.parametrize("currency", ["GBP", None])
def test_nothing_has_no_minus(currency: str | None) -> None:
    assert money(Decimal("-0.00"), currency, GERMAN) == money(Decimal("0.00"), currency, GERMAN)
    assert date(None, GERMAN, UTC) == ""
    assert country(None, GERMAN) == ""


def test_a_date_is_the_day_in_the_zone() -> None:
    shortly_before_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert date(shortly_before_midnight, GERMAN, UTC) == "23. November 2026"
    assert date(shortly_before_midnight, GERMAN, ZoneInfo("Europe/Berlin")) == "24. November 2026"
    assert date(shortly_before_midnight, ENGLISH, ZoneInfo("America/New_York")) == "November 23, 2026"


def test_the_first_day_of_all_is_written_though_no_zone_can_shift_it() -> None:
    assert date(datetime(1, 1, 1, tzinfo=UTC), ENGLISH, ZoneInfo("America/New_York")) == "January 1, 1"


@pytest.mark.parametrize(
    ("code", "locale", "name"),
    [("DE", GERMAN, "Deutschland"), ("de", ENGLISH, "Germany"), ("JP", JAPANESE, "日本"), ("XX", ENGLISH, "XX")],
)
def test_a_country_has_its_name_in_the_language(code: str, locale: Locale, name: str) -> None:
    assert country(code, locale) == name


@pytest.mark.parametrize(
    ("tag", "default", "found"),
    [
        ("de-DE", "en", "de_DE"),
        ("pt_BR", "en", "pt_BR"),
        (None, "de", "de"),
        ("", "de", "de"),
        ("tlh-XX", "en-GB", "en_GB"),
        ("not a tag", "fr", "fr"),
        (None, "nonsense", "en"),
    ],
)
def test_the_locale_falls_back_to_the_default(tag: str | None, default: str, found: str) -> None:
    assert str(known_locale(tag, default)) == found
