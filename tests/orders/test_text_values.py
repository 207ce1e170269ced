"""Checks of addresses, ids and options."""

from __future__ import annotations

import pytest

from receiver.orders import values
from receiver.orders.email_addresses import bare_address


@pytest.mark.parametrize(
    "text",
    [
        "zoe@example.com",
        "o'hara+shop@sub.example.co.uk",
        "zoë@exämple.com",
        "abc.@docomo.ne.jp",
        "あ@例え.jp",
        f"{'a' * 64}@example.com",
        "x@हिन्दी.भारत",
    ],
)
def test_email_takes_one_bare_address(text: str) -> None:
    assert bare_address(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zoe",
        "@example.com",
        "zoe@",
        "zoe@localhost",
        "a@b@c.de",
        "a@x.com,c@y.com",
        "Zoe <zoe@example.com>",
        "zoe @example.com",
        "zoe@example.com\r\nBcc: x@y.z",
        "zoe@-a.com",
        "zoe@a..com",
        "zoe@.com",
        '"a"@b.com',
        f"{'a' * 65}@example.com",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.com",
        "a\u200b@b.com",
        "a＠evil.com@good.com",
        "a，b@c.com",
        "a\xa0b@c.com",
        "zoe@exa_mple.com",
        "zoe@e!.com",
    ],
)
def test_email_that_is_not_one_bare_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*evil)(must|is longer)"):
        bare_address(text)


def test_url_is_http_or_https() -> None:
    assert values.url("HTTPS://shop.example.com/") == "HTTPS://shop.example.com/"
    for text in ("javascript:alert(1)", "shop.example.com", "https://a b", "http://a\nb"):
        with pytest.raises(ValueError, match="https://"):
            values.url(text)


def test_ids_are_kept_as_they_look_within_their_limits() -> None:
    assert values.order_id("1E5") == "1E5"
    assert values.order_id("0" * 255) == "0" * 255
    for text in ("", "0" * 256, "a\nb", "a\x9fb"):
        with pytest.raises(ValueError, match="1 to 255"):
            values.order_id(text)
    assert values.event_id("e" * 255) == "e" * 255
    for text in ("", "e" * 256, "e\tf", "evt.1"):
        with pytest.raises(ValueError, match="must"):
            values.event_id(text)


def test_format_version_and_event() -> None:
    assert values.format_version("1") == "1"
    assert values.event("Order.Completed") == "order.completed"
    with pytest.raises(ValueError, match="must be"):
        values.format_version("2")
    with pytest.raises(ValueError, match="1 to 100"):
        values.event("e" * 101)
    with pytest.raises(ValueError, match="100"):
        values.event("İ" * 100)  # twice as long in small letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Colour: red, Size: M", {"Colour": "red", "Size": "M"}),
        ("Size: M, L, Fit: a:b", {"Size": "M, L", "Fit": "a:b"}),
        ("gift wrapped", {"options": "gift wrapped"}),
        ("A: 1, A: 2", {"A": "1, 2"}),
    ],
)
def test_options_are_read_without_losing_any(text: str, expected: dict[str, str]) -> None:
    assert values.options(text) == expected
