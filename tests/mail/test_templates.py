"""Which template is taken, what it sees, and that an order's text is never more than text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from receiver.mail.environment import weblink
from receiver.mail.templates import BUILT_IN, MailTemplateMissing, MailTemplates
from receiver.mail.text_layout import COLUMNS, width
from receiver.orders.model import Address, Customer, Item, Order
from receiver.orders.sample import dummy_order
from tests.mail_pages import Page, flat, page_of

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
HOSTILE = "{{7*7}} {% include '/etc/x' %} <script>alert(1)</script><img src=x onerror=y> javascript:x \u202e&\x00"
SHOWN = "{{7*7}} {% include '/etc/x' %} <script>alert(1)</script><img src=x onerror=y> javascript:x &"
ORDER_MAILS = ("order_confirmation", "order_notice")


@pytest.fixture
def templates(tmp_path: Path) -> MailTemplates:
    return MailTemplates(tmp_path, "en", ZoneInfo("Europe/Berlin"), shop_name="Zoë's Corner Shop")


def _hostile_order() -> Order:
    place = Address(**dict.fromkeys(("name", "company", "line1", "line2", "city", "region", "postcode"), HOSTILE))
    return Order(
        order_id="A-1",
        order_date=NOW,
        order_number=HOSTILE,
        store_name=HOSTILE,
        discount_total=Decimal(1),
        discount_code=HOSTILE,
        shipping_total=Decimal(1),
        shipping_method=HOSTILE,
        payment_gateway=HOSTILE,
        payment_reference=HOSTILE,
        customer_note=HOSTILE,
        customer=Customer(first_name=HOSTILE, last_name=HOSTILE, company=HOSTILE, phone=HOSTILE),
        billing=place,
        shipping=place.model_copy(update={"name": f"Other {HOSTILE}"}),
        items=(Item(name=HOSTILE, options={HOSTILE: HOSTILE}),),
        custom={HOSTILE: [HOSTILE, HOSTILE]},
        notes=(HOSTILE,),
    )


@pytest.mark.parametrize("name", ORDER_MAILS)
def test_hostile_text_in_every_field_is_shown_as_text(name: str, templates: MailTemplates) -> None:
    harmless = page_of(templates, name, order=dummy_order(now=NOW, nonce="1"))
    rendered = templates.render(name, order=_hostile_order(), console_url="javascript:alert(1)")
    assert rendered.html is not None
    page = Page(rendered.html)
    assert page.text.count(SHOWN) >= 20
    assert set(page.tags) <= set(harmless.tags) | {"ul", "li"}
    assert {attribute for attribute, _value in page.attributes} <= {attribute for attribute, _ in harmless.attributes}
    assert "49" not in rendered.text + page.text
    assert flat(rendered.text).count("{{7*7}}") >= 18
    for part in (rendered.subject, rendered.text, rendered.html):
        assert re.search("[\x00\u202e]", part) is None
    assert all(width(line) <= COLUMNS for line in rendered.text.split("\n"))


@pytest.mark.parametrize("name", ORDER_MAILS)
def test_no_mail_loads_anything_from_elsewhere(name: str, templates: MailTemplates) -> None:
    html = templates.render(name, order=dummy_order(now=NOW, nonce="1")).html
    assert html is not None
    assert re.search(r"(?i)\bsrc=|<link|url\(|@import|<img|<script", html) is None


@pytest.mark.parametrize("name", ORDER_MAILS)
def test_a_long_order_in_yen_with_names_of_all_scripts_stays_within_the_columns(name: str, tmp_path: Path) -> None:
    items = tuple(
        Item(name="とても長い名前" * number, quantity=number, total=Decimal(1200 * number)) for number in range(1, 31)
    )
    customer = Customer(first_name="محمد", last_name="عبد الله")
    order = Order(order_id="A-1", order_date=NOW, currency="JPY", items=items, customer=customer)
    templates = MailTemplates(tmp_path, "ja-JP", ZoneInfo("Europe/Berlin"))
    rendered = templates.render(name, order=order)
    assert all(width(line) <= COLUMNS for line in rendered.text.split("\n"))
    assert "￥36,000" in rendered.text
    assert "محمد" in rendered.text
    assert "2026年11月24日" in rendered.text


def test_a_template_of_the_merchant_comes_first(tmp_path: Path, templates: MailTemplates) -> None:
    (tmp_path / "order_notice.txt").write_text(
        "{% block subject %}Mine\n {{ order.order_id }}{% endblock %}\nBody {{ order.billing.city }}{{ order.total }}!"
    )
    rendered = templates.render("order_notice", order=Order(order_id="A-1", order_date=NOW))
    assert (rendered.subject, rendered.text) == ("Mine A-1", "Body !\n")


def test_a_template_of_the_merchant_can_build_on_the_built_in_parts(tmp_path: Path, templates: MailTemplates) -> None:
    (tmp_path / "warehouse.txt").write_text(
        '{% import "_order.txt" as parts with context %}{% block subject %}Pack{% endblock %}{{ parts.items() }}'
    )
    rendered = templates.render("warehouse", order=dummy_order(now=NOW, nonce="1"))
    assert rendered.subject == "Pack"
    assert rendered.text.startswith("ITEMS\n---")


def test_a_given_subject_is_text_and_wins(templates: MailTemplates) -> None:
    rendered = templates.render("merchant_alert", subject="{{ 7*7 }}\r\nBcc: x", headline="h", lines=())
    assert rendered.subject == "{{ 7*7 }} Bcc: x"


def test_a_template_without_a_subject_has_an_empty_one(tmp_path: Path, templates: MailTemplates) -> None:
    (tmp_path / "plain.txt").write_text("Only a body")
    assert templates.render("plain").subject == ""


def test_the_shop_is_named_by_the_order_when_no_setting_does(tmp_path: Path) -> None:
    nameless = MailTemplates(tmp_path, "en", UTC)
    (tmp_path / "plain.txt").write_text("{{ shop_name }}")
    assert nameless.render("plain", order=dummy_order(now=NOW, nonce="1")).text == "Zoë's Corner Shop\n"
    assert nameless.render("plain").text == "our shop\n"


@pytest.mark.parametrize("name", ["nothing", "../mail/order_notice", "/etc/passwd"])
def test_a_missing_template_names_both_folders(name: str, tmp_path: Path, templates: MailTemplates) -> None:
    with pytest.raises(MailTemplateMissing) as caught:
        templates.render(name)
    assert str(caught.value) == f"There's no email template {name}.txt in {tmp_path} or {BUILT_IN}. Write one there."


def test_what_a_template_of_a_name_of_its_own_does_wrong_is_not_hidden(
    tmp_path: Path, templates: MailTemplates
) -> None:
    (tmp_path / "broken.txt").write_text("{% if %}")
    (tmp_path / "torn.txt").write_text('{% include "gone.txt" %}')
    with pytest.raises(ValueError, match=r"template broken is broken\. broken\.txt, line 1: Expected an expr"):
        templates.render("broken")
    with pytest.raises(ValueError, match=r"template torn is broken\. There's no template gone\.txt"):
        templates.render("torn")


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://laden.de/x?y=1", "https://laden.de/x?y=1"),
        ("HTTP://laden.de", "HTTP://laden.de"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//laden.de", ""),
        ("https:", ""),
        ("http://[", ""),
        (None, ""),
    ],
)
def test_only_web_addresses_become_links(address: str | None, link: str) -> None:
    assert weblink(address) == link


@pytest.mark.parametrize("name", ORDER_MAILS)
def test_names_are_cut_and_carry_no_link(name: str, templates: MailTemplates) -> None:
    """A checkout takes any name for any address: the shop's own mail would carry the message there."""
    message = "Your card was declined, pay at http://evil.test/ " + "now " * 100
    place = Address(name=message, company=message, line1=message, city=message)
    buyer = Customer(first_name=message, last_name=message, company=message)
    order = Order(order_id="A-1", order_date=NOW, customer=buyer, billing=place, shipping=place, customer_note="")

    rendered = templates.render(name, order=order, test=False)

    for part in (rendered.subject, rendered.text, rendered.html or ""):
        assert "http://evil" not in part
        assert flat(part).count("now " * 20) == 0
    assert "http: //evil.test/" in flat(rendered.text)


def test_a_note_carries_no_link_to_the_shopper_but_to_the_merchant(templates: MailTemplates) -> None:
    order = Order(order_id="A-1", order_date=NOW, customer_note="My picture: https://pictures.test/7")

    confirmation, notice = (templates.render(name, order=order, test=False) for name in ORDER_MAILS)

    for part in (confirmation.text, confirmation.html or ""):
        assert "https: //pictures.test/7" in part
    for part in (notice.text, notice.html or ""):
        assert "https://pictures.test/7" in part


def test_a_subject_is_cut(templates: MailTemplates) -> None:
    order = Order(order_id="A-1", order_date=NOW, order_number="7" * 100_000)
    assert len(templates.render("order_confirmation", order=order).subject) == 200
