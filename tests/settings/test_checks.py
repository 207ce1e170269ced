"""The checks of single settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from receiver.settings import checks

RIGHT: list[tuple[Callable[[Any], str | None], Any]] = [
    (checks.between(1, 64), 1),
    (checks.between(1, 64), 64),
    (checks.secret_key, ""),
    (checks.secret_key, "7d0f3a59c1e8b246f50c2b7e91d4a863"),
    (checks.secret_key, "a passphrase of somebody who thought about it"),
    (checks.secret, "whsec_" + "QUJD" * 8),
    (checks.secret, "another sixteen characters"),
    (checks.database_url, ""),
    (checks.database_url, "sqlite:///orders.sqlite"),
    (checks.database_url, "sqlite:////var/lib/orders.sqlite?timeout=3"),
    (checks.one_line, "Zoë's Corner Shop"),
    (checks.email, "shop@laden.de"),
    (checks.email, "shop@bücher.example"),
    (checks.web_address, "http://127.0.0.1:8000"),
    (checks.web_address, "https://shop.example/orders-server"),
    (checks.locale, "de"),
    (checks.locale, "en-GB"),
    (checks.optional(checks.locale), ""),
    (checks.optional(checks.locale), "fr-CH"),
    (checks.colour, "#1f5F8b"),
    (checks.picture, "https://shop.example/logo.png"),
    (checks.short_text, ""),
    (checks.short_text, "Zoë's Corner Shop\nOranienstraße 14"),
    (checks.timezone, "Europe/London"),
    (checks.names, []),
    (checks.names, ["register_customer"]),
    (checks.seconds, []),
    (checks.seconds, [60, 300]),
]
WRONG: list[tuple[Callable[[Any], str | None], Any, str]] = [
    (checks.optional(checks.locale), "klingon", "must be a locale"),
    (checks.colour, "blue", "# and six hex digits"),
    (checks.colour, "#1f5f8b;", "# and six hex digits"),
    (checks.colour, "#12345６", "# and six hex digits"),
    (checks.picture, "http://shop.example/logo.png", "https://shop.example/logo.png"),
    (checks.picture, "https://shop.example/logo.png; script-src *", "https://shop.example/logo.png"),
    (checks.picture, "https://shop.example/logo.png?v=2", "without ?"),
    (checks.picture, "https://shop.example/zoë.png", "https://shop.example/logo.png"),
    (checks.short_text, "a" * 2001, "at most 2,000 characters"),
    (checks.short_text, "a\x00b", "control characters"),
    (checks.between(1, 64), 0, "must be 1 to 64"),
    (checks.between(1, 64), 65, "must be 1 to 64"),
    (checks.secret_key, "k" * 31, "32 characters or more"),
    (checks.secret_key, "k" * 64, "is easy to guess: it has only 1 different character; set what"),
    (checks.secret_key, "0123456789abcdef" * 4, "it repeats itself"),
    (checks.secret_key, "change-this-to-a-long-random-string-1", "it's one of an example"),
    (checks.secret_key, "changeme" * 5, "it's one of an example"),
    (checks.secret_key, "this-is-a-very-secret-key-that-you-should-change", "it's one of an example"),
    (checks.secret_key, "your-32-byte-long-secret-key-goes-here", "it's one of an example"),
    (checks.secret_key, "please-generate-a-secure-random-string", "it's one of an example"),
    (checks.secret_key, "dev" * 20, "it's one of an example"),
    (checks.secret_key, "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "it's one of an example"),
    (checks.secret, "too short", "can't be a secret: "),
    (checks.secret, "whsec_!!!!!!!!!!!!!!!!!!", "can't be a secret: "),
    (checks.database_url, "mysql://localhost/orders", "must begin with sqlite:/// or postgresql://"),
    (checks.database_url, "postgresql://localhost/", "name a file or a database"),
    (checks.database_url, "postgresql://kit:p@ss@localhost/orders", "%40 for each @ in its password"),
    (checks.database_url, "sqlite://", "name a file"),
    (checks.database_url, "sqlite:///", "name a file"),
    (checks.database_url, "sqlite:///?timeout=3", "name a file"),
    (checks.database_url, "sqlite:///:memory:", "name a file"),
    (checks.one_line, " ", "one line"),
    (checks.one_line, "Shop\r\nBcc: x@y.example", "one line"),
    (checks.email, "not an address", "is not one plain email address; it must be one such as"),
    (checks.email, "a@b.example, c@d.example", "is not one plain email address"),
    (checks.email, "bücher@laden.de", "has letters outside ASCII before its @"),
    (checks.web_address, "shop.example", "https://shop.example"),
    (checks.web_address, "ftp://shop.example", "https://shop.example"),
    (checks.web_address, "https://", "https://shop.example"),
    (checks.web_address, "https://shop.example/?page=1", "https://shop.example"),
    (checks.web_address, "https://shop.example/#top", "https://shop.example"),
    (checks.web_address, "http://[::1", "https://shop.example"),
    (checks.public_url, "https://orders.shop.example/orders", "without /orders at its end"),
    (checks.public_url, "https://shop.example/kit/orders/", "without /orders at its end"),
    (checks.public_url, "shop.example", "https://shop.example"),
    (checks.locale, "", "en-GB"),
    (checks.locale, "klingon", "en-GB"),
    (checks.timezone, "", "Europe/London"),
    (checks.timezone, "Mars/Olympus", "Europe/London"),
    (checks.timezone, "../../etc/passwd", "Europe/London"),
    (checks.names, ["print_slip", "forward", "print_slip"], "names print_slip twice; remove one"),
    (checks.seconds, [0], "[60, 300]"),
    (checks.seconds, [-1], "[60, 300]"),
    (checks.seconds, [99_999_999_999_999], "up to a year"),
]


@pytest.mark.parametrize(("check", "value"), RIGHT)
def test_nothing_is_said_of_a_right_value(check: Callable[[Any], str | None], value: Any) -> None:
    assert check(value) is None


@pytest.mark.parametrize(("check", "value", "said"), WRONG)
def test_of_a_wrong_value_the_remedy_is_said(check: Callable[[Any], str | None], value: Any, said: str) -> None:
    assert said in (check(value) or "")


def test_a_wrong_shared_secret_is_never_shown() -> None:
    assert "hunter2" not in (checks.secret("hunter2") or "")
