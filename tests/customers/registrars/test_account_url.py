"""ACCOUNT_URL: the confirmation links to the customers' account at the merchant's own website."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.storage.models import MailRow
from tests.commanding import runner
from tests.mail_pages import Page
from tests.served import Served, order_fields

URL = "https://website.example/?page_id=7&from=mail"
WEBSITE = {"url": "https://website.example/api/users", "body": {"email": "{email}"}}
WORDS = {
    "en": "See your orders online",
    "de": "Bestellungen online ansehen",
    "fr": "Voir vos commandes en ligne",
    "es": "Ver sus pedidos en línea",
}


def confirmations(shop: Served) -> list[MailRow]:
    while shop.kit.processor.run_next():
        pass
    return [mail for mail in shop.rows(MailRow) if mail.handler == "email_customer"]


def test_with_a_website_the_mail_links_there_in_the_customers_language(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, REGISTRAR="http", registrar=WEBSITE, ACCOUNT_URL=URL)
    assert shop.kit.problems == []
    for language in WORDS:
        shop.post(order_fields(locale=language))

    for mail, words in zip(confirmations(shop), WORDS.values(), strict=True):
        assert words in mail.text
        assert f"\n{URL}\n" in mail.text
        page = Page(mail.html or "")
        assert words in page.text
        assert ("href", URL) in page.attributes
        assert "/account/claim/" not in mail.text


def test_without_the_setting_no_link_is_made(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, REGISTRAR="http", registrar=WEBSITE)
    shop.post(order_fields())

    (mail,) = confirmations(shop)
    assert "account" not in mail.text
    assert WORDS["en"] not in (mail.html or "")


def test_where_the_accounts_are_here_it_is_without_effect_and_the_doctor_says_so(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, ACCOUNT_URL=URL)
    shop.post(order_fields())

    (mail,) = confirmations(shop)
    assert "/account/claim/" in mail.text
    assert URL not in mail.text
    said = [finding.text for finding in diagnose(shop.kit) if finding.state == "warning"]
    assert any(text.startswith("ACCOUNT_URL has no effect while REGISTRAR is accounts") for text in said)


def test_a_preview_shows_it_as_it_will_be(make_app: Callable[..., Any]) -> None:
    command = ("mail", "preview", "order_confirmation")
    assert URL in runner(make_app)(*command, REGISTRAR="none", ACCOUNT_URL=URL).output
    assert URL not in runner(make_app)(*command, ACCOUNT_URL=URL).output


@pytest.mark.parametrize(
    "url", ["website.example", "javascript:alert(1)", "ftp://website.example", "https://a b", "//x"]
)
def test_an_address_that_no_mail_can_link_to_is_reported_at_the_start(make_app: Callable[..., Any], url: str) -> None:
    kit: Kit = make_app(REGISTRAR="none", ACCOUNT_URL=url).extensions["receiver"]
    said = "ACCOUNT_URL must be an address such as https://shop.example/account, without spaces."
    assert (kit.problems, kit.paused) == ([], [f'{said} Until it\'s fixed, "" holds.'])
