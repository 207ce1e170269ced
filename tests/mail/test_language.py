"""Which language a mail is written in, and that there are words for all of it in each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from receiver.mail.language import CATALOGUES, LANGUAGES, catalogue, locale_for
from receiver.mail.templates import BUILT_IN
from receiver.storage.models import MailRow
from tests.served import Served, order_fields

TRANSLATED = [language for language in LANGUAGES if language != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
#: In place of a first name, which goes ill with a formal address.
ALSO_GIVEN = {"first_name": {"first_name", "full_name"}}


def words_of(language: str) -> Catalog:
    with (CATALOGUES / language / "LC_MESSAGES" / "mail.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def words_in_templates() -> set[str]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    found: set[str] = set()
    for path in BUILT_IN.iterdir():
        with path.open("rb") as file:
            found |= {_first(message) for _, _, message, _ in babel_extract(file, ["_"], [], options)}
    return found


def _first(message: object) -> str:
    """Return the texts to translate among a call's arguments."""
    return str(message[0] if isinstance(message, tuple) else message)


def test_there_are_words_in_four_languages() -> None:
    assert LANGUAGES == ("en", "de", "es", "fr")


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_language_has_words_for_exactly_what_the_templates_say(language: str) -> None:
    messages = {str(message.id): message for message in words_of(language) if message.id}
    assert set(messages) == words_in_templates()
    assert [name for name, message in messages.items() if not message.string or message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_loses_or_makes_up_a_value(language: str) -> None:
    for message in words_of(language):
        wanted = PLACEHOLDER.findall(str(message.id))
        found = PLACEHOLDER.findall(str(message.string))
        assert len(found) == len(wanted), message.id
        assert all(name in set().union(*(ALSO_GIVEN.get(one, {one}) for one in wanted)) for name in found), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_markup_or_leaves_white_space_at_its_ends(language: str) -> None:
    for message in words_of(language):
        assert re.search("[<>&]", str(message.string) if message.id else "") is None, message.id
        assert str(message.string).strip() == str(message.string) or not message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_label_fits_into_the_column_of_labels(language: str) -> None:
    for label in ("Order", "Order id", "Date", "Total", "Payment", "Console"):
        assert len(catalogue(language).gettext(label)) <= 12


@pytest.mark.parametrize("language", ["en", "tlh", "../de", ""])
def test_without_a_catalogue_the_words_stay_as_they_are(language: str) -> None:
    assert catalogue(language).gettext("Order") == "Order"


@pytest.mark.parametrize(
    ("reader", "default", "found"),
    [
        ("de-AT", "en", "de_AT"),
        ("fr", "de", "fr"),
        ("en-GB", "de", "en_GB"),
        ("ja-JP", "de", "de"),
        (None, "es-MX", "es_MX"),
        ("not a tag", "fr", "fr"),
        ("sv-FI", "sv", "sv_FI"),
        ("ja-JP", "sv", "sv"),
    ],
)
def test_a_mail_is_in_the_readers_language_or_wholly_in_the_shops(reader: str | None, default: str, found: str) -> None:
    assert str(locale_for(reader, default)) == found


def subjects(shop: Served, **changes: str) -> dict[str | None, str]:
    shop.post(order_fields(**changes))
    assert shop.kit.processor.run_next()
    return {mail.handler: mail.subject.replace("\u00a0", " ") for mail in shop.rows(MailRow)}


def test_the_customer_is_written_to_in_their_language_and_the_merchant_in_the_shops(
    serve: Callable[..., Served],
) -> None:
    shop = serve(work=False, DEFAULT_LOCALE="de", SHOP_NAME="Eckladen")
    assert subjects(shop, order_id="7", locale="es-ES", customer_last_name="Byron") == {
        "email_customer": "Su pedido 7 en Eckladen",
        "notify_merchant": "Neue Bestellung 7: 19,99 £ von Ada Byron",
    }


def test_a_customer_whose_language_is_unknown_is_written_to_in_the_shops(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, DEFAULT_LOCALE="fr", SHOP_NAME="Chez Zoë")
    assert subjects(shop, order_id="7", locale="ja-JP")["email_customer"] == "Votre commande 7 chez Chez Zoë"


def test_the_setting_makes_all_mails_be_in_one_language(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, DEFAULT_LOCALE="fr", MAIL_LANGUAGE="en-GB", SHOP_NAME="Shop")
    found = subjects(shop, order_id="7", locale="de-DE", customer_last_name="Byron")
    assert found == {"email_customer": "Your order 7 at Shop", "notify_merchant": "New order 7: £19.99 from Ada Byron"}


def test_a_test_transmission_is_written_in_the_shops_language(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="7", locale="de-DE", test="true"))
    assert {mail.subject for mail in shop.rows(MailRow)} >= {"[Test] Your order 7 at Example Shop"}
