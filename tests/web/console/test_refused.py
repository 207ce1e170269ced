"""Received → Refused: the precise reason, the next step, and never a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from receiver.errors import ReceiverError, Unauthenticated, Undecodable
from receiver.orders import Fields
from receiver.security.keyring import Keyring
from tests.served import SECRET, Served, order_fields, signed
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Page, Visitor

NOW = datetime.now(UTC)
_SCRIPT = "<script>alert(1)</script>"


def refuse(shop: Served, error: ReceiverError, *, at: datetime = NOW, fields: Fields | None = None) -> None:
    """Keep one refusal."""
    keyring = Keyring({SECRET: SECRET.encode()}, {})
    shop.kit.refusals.add(
        error, at=at, source="shopintegrator", address="192.0.2.7", headers=[], fields=fields or [], keyring=keyring
    )


def refused(shop: Served, visitor: Visitor, query: str = "") -> Page:
    """Load the page with all refusals that there were."""
    shop.kit.refusals.flush()
    return visitor.get(f"/admin/refused{query}")


def test_without_a_refusal_the_page_says_how_to_see_one(shop: Served, visitor: Visitor) -> None:
    text = refused(shop, visitor).text
    assert "No refused POSTs" in text
    assert "curl -i http://127.0.0.1:8000/orders \\ -H 'X-Shared-Secret: a-wrong-secret'" in text


def test_a_refusal_shows_reason_next_step_address_names_and_sizes(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(customer_note="a private matter"), headers={"X-Shared-Secret": "a wrong secret of 25"})
    page = refused(shop, visitor)
    for words in (
        *("Unknown secret", "The header X-Shared-Secret holds no active secret."),
        *("Next: Copy the secret from the service's Order Controls", "flask secret add SECRET"),
        *("127.0.0.1", "shopintegrator", "x-shared-secret 20 characters", "customer_note 16 characters"),
    ):
        assert words in page.text, words
    assert "a private matter" not in page.html
    assert re.search(r"Names and sizes of \d+ headers and \d+ fields", page.text)
    assert "a wrong secret of 25" not in page.html


def test_one_field_is_told_as_one(shop: Served, visitor: Visitor) -> None:
    shop.post({"note": "x"}, headers={"X-Shared-Secret": "a wrong secret of 25"})
    assert " headers and 1 field " in refused(shop, visitor).text


def test_a_retired_secret_is_named_by_its_fingerprint(shop: Served, visitor: Visitor) -> None:
    secret = "a secret that was replaced long ago"
    with shop.kit.database.write() as session:
        mark = shop.kit.shared_secrets.add(session, secret, now=NOW)
        shop.kit.shared_secrets.end(session, mark, at=datetime.now(UTC))
    shop.post(order_fields(), headers={"X-Shared-Secret": secret})
    page = refused(shop, visitor)
    assert f"still uses the retired secret {mark}" in page.text
    assert secret not in page.html


def test_refusals_before_the_first_good_post_are_called_normal(shop: Served, visitor: Visitor) -> None:
    refuse(shop, Undecodable("during set-up"), at=NOW - timedelta(minutes=5))
    assert "No valid POST has arrived yet." in refused(shop, visitor).text
    shop.post(order_fields())
    refuse(shop, Undecodable("afterwards"), at=datetime.now(UTC) + timedelta(minutes=5))
    text = refused(shop, visitor).text
    assert "No valid POST has arrived yet." not in text
    assert text.count("normal during set-up") == 1
    assert text.index("afterwards") < text.index("normal during set-up")


def test_the_newest_come_first_and_a_filter_shows_one_reason(shop: Served, visitor: Visitor) -> None:
    refuse(shop, Undecodable("The first."))
    refuse(shop, Unauthenticated("clock_off", "The second."))
    text = refused(shop, visitor).text
    assert text.index("The second.") < text.index("The first.")
    assert "Clock off (1)" in text
    text = refused(shop, visitor, "?reason=clock_off").text
    assert "The second." in text
    assert "The first." not in text
    assert "The first." in refused(shop, visitor, "?reason=nonsense").text


def test_many_refusals_are_read_in_pages(shop: Served, visitor: Visitor) -> None:
    for number in range(60):
        refuse(shop, Undecodable(f"Number {number}."))
    page = refused(shop, visitor, "?reason=undecodable")
    assert len(re.findall("<li class=.panel", page.html)) == 50
    link = re.search(r'href="([^"]*)" rel="next"', page.html)
    assert link
    page = visitor.get(link[1].replace("&amp;", "&"))
    assert len(re.findall("<li class=.panel", page.html)) == 10
    assert "Number 9." in page.text


def test_hostile_names_stay_words(shop: Served, visitor: Visitor) -> None:
    refuse(shop, Undecodable(f"The field {_SCRIPT} is given twice."), fields=[(_SCRIPT, "1"), ("\u202egnp.evil", "1")])
    page = refused(shop, visitor, f"?reason={_SCRIPT}")
    assert _SCRIPT not in page.html
    assert f"The field {_SCRIPT} is given twice." in page.text


def test_the_page_suits_everybody(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, reduced_motion="reduce")
    person.sign_in()
    person.open("/admin/refused")
    wrong = person.look()
    shop.post(order_fields(), headers={"X-Shared-Secret": "x" * 500})
    shop.post({"F" * 500: "1", "cvv": "123"})
    body = b"order_id=1"
    shop.post(body, headers=signed(body, at=NOW - timedelta(days=1)))
    shop.kit.refusals.flush()
    person.open("/admin/refused")
    for summary in person.page.locator("main summary").all():
        summary.click()
    wrong += person.look()
    assert wrong == []


def test_a_command_in_a_reason_stands_as_code(serve: Callable[..., Served]) -> None:
    shop = serve(SHARED_SECRETS=[])
    shop.post(order_fields())
    visitor = Visitor(shop.base)
    visitor.sign_in()
    assert "add one with <code>flask secret add</code>." in refused(shop, visitor).html
