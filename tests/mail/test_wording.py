"""What the built-in mails say, whatever the order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver.mail.language import LANGUAGES
from receiver.mail.templates import MailTemplates
from receiver.orders.model import Address, Item, Order
from receiver.orders.sample import dummy_order
from tests.mail_pages import flat, page_of

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
WORD_FOR_WORD = Path(__file__).parents[1] / "vectors" / "mails"
ORDER_MAILS = ("order_confirmation", "order_notice")


@pytest.fixture
def templates(tmp_path: Path) -> MailTemplates:
    return MailTemplates(tmp_path, "en", ZoneInfo("Europe/Berlin"), shop_name="Zoë's Corner Shop")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_confirmation_of_the_sample_order_word_for_word(language: str, templates: MailTemplates) -> None:
    rendered = templates.render("order_confirmation", order=dummy_order(now=NOW, nonce="1"), locale=language)
    expected = (WORD_FOR_WORD / f"order_confirmation.{language}.txt").read_text("utf-8")
    assert f"{rendered.subject}\n\n{rendered.text}" == expected


def test_both_parts_of_the_confirmation_say_the_same(templates: MailTemplates) -> None:
    text = flat(page_of(templates, "order_confirmation", order=dummy_order(now=NOW, nonce="1")).text)
    for words in (
        *("TEST: sample data", "Hi Zoë,", "Order 1042", "November 24, 2026", "2 × Enamel mug “Łódź”"),
        *("Colour: red", "€37.00", "€18.50 each", "Discount (WELCOME10) -€5.75", "Total €67.35"),
        *("Shipping (DHL parcel) €4.90", "31-017 Kraków Poland", "10999 Berlin Germany"),
        "Please ring twice – danke!",
    ):
        assert words in text.replace("\u00a0", " "), words


def test_the_notice_tells_the_merchant_what_the_confirmation_does_not(templates: MailTemplates) -> None:
    order = dummy_order(now=NOW, nonce="1").model_copy(update={"notes": ("The field pan was dropped.",)})
    values: dict[str, Any] = {"order": order, "console_url": "https://laden.de/admin/orders/1"}
    rendered = templates.render("order_notice", **values)
    page = page_of(templates, "order_notice", **values)
    assert rendered.subject == "New order 1042: €67.35 from Zoë Müller-Łukasz"
    for words in (
        *("TEST-1", "paypal, PAY-5XK91827", "zoe.mueller-lukasz@example.com", "+49 30 5550 0142"),
        *("Łukasz & Töchter GmbH", "gift: yes", "gift_message: すべての人に幸あれ", "The field pan was dropped."),
    ):
        assert words in flat(rendered.text), words
        assert words in flat(page.text), words
    assert "Console     https://laden.de/admin/orders/1\n" in rendered.text
    assert ("href", "https://laden.de/admin/orders/1") in page.attributes


@pytest.mark.parametrize("name", ORDER_MAILS)
def test_an_order_with_nothing_but_its_id_leaves_no_trace_of_what_is_missing(
    name: str, templates: MailTemplates
) -> None:
    order = Order(order_id="A-1", order_date=NOW)
    seen = page_of(templates, name, order=order).text
    text = templates.render(name, order=order).text
    for part in (text, seen):
        assert "A-1" in part
        assert re.search(r"None|Items|Total|address|note:|TEST|Please check|own fields", part, re.IGNORECASE) is None
    assert "\n\n\n" not in text
    assert "()" not in text


def test_an_item_without_a_name_or_total_shows_what_there_is(templates: MailTemplates) -> None:
    items = (Item(sku="MUG", unit_price=Decimal("0.0125"), quantity=4), Item(quantity=1), Item(id="P-1"))
    order = Order(order_id="A-1", order_date=NOW, items=items, shipping_method="By foot")
    text = templates.render("order_confirmation", order=order).text
    seen = flat(page_of(templates, "order_confirmation", order=order).text)
    assert "4 × MUG" + " " * 54 + "0.0125 each\n" in text
    assert "\n1 × Item\n" in text
    assert "\nP-1\n" in text
    assert "\nShipping: By foot\n" in text
    assert "4\u00a0×\u00a0MUG 0.0125 each" in seen.replace("4 × ", "4\u00a0×\u00a0")
    assert "Shipping (By foot)" in seen


def test_one_address_for_both_is_shown_once(templates: MailTemplates) -> None:
    home = Address(name="Zoë", city="Berlin", country="DE")
    order = Order(order_id="A-1", order_date=NOW, billing=home, shipping=home)
    assert "BILLING AND SHIPPING ADDRESS\nZoë\nBerlin\nGermany\n" in templates.render("order_notice", order=order).text
    assert "Billing and shipping address" in page_of(templates, "order_notice", order=order).text


def test_a_free_order_shows_its_total_of_nothing(templates: MailTemplates) -> None:
    order = Order(order_id="A-1", order_date=NOW, currency="EUR", total=Decimal("0.00"), discount_total=Decimal(0))
    text = templates.render("order_confirmation", order=order).text
    assert "€0.00" in text
    assert "Discount" not in text


def test_the_alert_says_what_happened_and_what_to_do(templates: MailTemplates) -> None:
    lines = ("It's safe: it's parked, and its handlers haven't run.", "See it with: flask orders list")
    rendered = templates.render("merchant_alert", headline="An order is not understood yet", lines=lines)
    assert rendered.subject == "Zoë's Corner Shop: An order is not understood yet"
    assert (
        "An order is not understood yet"
        in page_of(templates, "merchant_alert", headline="An order is not understood yet", lines=lines).text
    )
    assert rendered.text == (
        "An order is not understood yet\n\n"
        "It's safe: it's parked, and its handlers haven't run.\n\n"
        "See it with: flask orders list\n\n"
        "Sent automatically by the order receiver of Zoë's Corner Shop.\n"
    )
