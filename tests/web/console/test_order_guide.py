"""The order guide in the console tells everything that a receiver has to know, and its example proves itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from receiver.orders import encode_form
from receiver.orders.parameters import form_pairs, groups, json_text, parameters, types
from receiver.orders.sample import order_of_the_guide
from receiver.security.signing import verify
from receiver.web.console.order_guide import EXAMPLE_SECRET, signature_headers
from receiver.web.console.receivers import EXAMPLES
from tests.served import Served
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Page, Visitor

PATH = "/admin/help/order-guide"
DUMMY = order_of_the_guide()


@pytest.fixture
def guide(visitor: Visitor) -> Page:
    return visitor.get(PATH)


def words(text: str) -> str:
    """Return a text as ``Page.text`` has it."""
    return " ".join(text.split())


def test_it_explains_every_parameter_with_the_dummys_value(guide: Page) -> None:
    assert guide.status == 200
    for row in parameters(DUMMY):
        told = f"{row.form} {row.json} {row.description.replace('`', '')} {row.kind}"
        assert words(told) in guide.text, row.form
        assert row.value in guide.text, row.form


def test_its_contents_lead_to_every_part(guide: Page) -> None:
    anchors = {group.anchor for group in groups(DUMMY)}
    anchors |= {"parameters", "types", "dummy", "signature", "answers", "receivers"}
    for anchor in anchors:
        assert f'href="#{anchor}"' in guide.html, anchor
        assert guide.html.count(f'id="{anchor}"') == 1, anchor


def test_it_says_how_each_type_is_written(guide: Page) -> None:
    for name, written in types().items():
        assert words(f"{name} {written}") in guide.text


def test_it_shows_the_dummy_in_both_encodings(guide: Page) -> None:
    assert words(json_text(DUMMY)) in guide.text
    assert words(" ".join(form_pairs(DUMMY))) in guide.text


def test_its_example_signature_is_right(guide: Page) -> None:
    body = encode_form(DUMMY)
    headers = signature_headers(DUMMY, body)
    assert all(value in guide.text for value in (EXAMPLE_SECRET, *headers.values()))
    signed = verify(
        webhook_id=headers["webhook-id"],
        timestamp=headers["webhook-timestamp"],
        signature=headers["webhook-signature"],
        body=body,
        secrets=[EXAMPLE_SECRET],
        now=datetime(2026, 11, 23, 14, 5, tzinfo=UTC),
    )
    assert signed.secret == EXAMPLE_SECRET


def test_its_example_secret_opens_no_receiver(shop: Served) -> None:
    assert shop.post(encode_form(DUMMY), headers={"X-Shared-Secret": EXAMPLE_SECRET}).status == 401


@pytest.mark.parametrize(
    "told",
    [
        "202 accepted Verified, understood and stored. Delivered. None.",
        "401 The receiver couldn't verify the POST (401): its secret differs, or a clock is off. Tries again.",
        "410 The receiver says it's gone for good (410). Turns HTTP POST off.",
        "422 The receiver refuses the order's contents (422). Fails right away.",
        "3xx The host redirects to another address",
        "5xx The receiver, or the proxy in front of it, failed (5xx). Tries again.",
    ],
)
def test_it_says_what_an_answer_leads_to(guide: Page, told: str) -> None:
    assert told in guide.text


def test_it_shows_the_receivers_as_they_are(guide: Page) -> None:
    for example in EXAMPLES:
        assert words(example.code) in guide.text
        assert words(example.command) in guide.text


def test_the_menu_leads_to_it(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base)
    person.sign_in()
    person.page.get_by_text("Help", exact=True).click()
    person.page.get_by_role("link", name="Order Guide").click()
    person.page.get_by_role("heading", name="Order Guide", level=1).wait_for()
    assert person.page.locator("nav a[aria-current=page]").text_content() == "Order Guide"
    person.page.get_by_role("link", name="Billing address").click()
    assert person.page.url.endswith("#billing-address")


def test_what_could_not_be_copied_says_so(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base)
    person.sign_in()
    person.open(PATH)
    person.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')))")
    body = person.page.locator(".code", has=person.page.get_by_label("Form body"))
    body.get_by_role("button", name="Copy").click()
    body.get_by_role("button", name="Not copied: select it").wait_for()


def test_copying_the_form_gives_the_very_body(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, permissions=["clipboard-read", "clipboard-write"])
    person.sign_in()
    person.open(PATH)
    body = person.page.locator(".code", has=person.page.get_by_label("Form body"))
    body.get_by_role("button", name="Copy").click()
    body.get_by_role("button", name="Copied").wait_for()
    assert person.page.evaluate("navigator.clipboard.readText()").encode() == encode_form(DUMMY)


def test_it_is_whole_without_scripts(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, java_script_enabled=False)
    person.sign_in()
    person.open(PATH)
    assert person.page.get_by_label("receiver.php", exact=True).is_visible()
    assert not person.page.get_by_role("button", name="Copy").first.is_visible()
