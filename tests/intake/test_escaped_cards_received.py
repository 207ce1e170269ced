"""Card numbers that are escaped, posted in every kind of body: stored, emailed and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest

from receiver.storage.models import MailRow
from tests.card_spellings import ESCAPED, digits_of, escapings
from tests.served import FORM, Served, order_fields
from tests.stores import stored as stored_in
from tests.web.console.visitor import Visitor

CARD = "4242424242424242"
JSON = "application/json"


def bodies(text: str) -> Iterator[tuple[bytes, str]]:
    """Yield an order in each kind of body, with the text as its note and as part of its customer's name."""

    def order() -> dict[str, str]:
        return order_fields(customer_note=f"my card: {text}, thanks", customer_last_name=text)

    for more in ({}, {f"custom_{text}": "x"}):
        yield urlencode(order() | more).encode(), FORM
        yield json.dumps(order() | more).encode(), JSON
        yield urlencode({"payload": json.dumps(order() | more)}).encode(), FORM
    yield json.dumps({"order": {**order(), "extra": {"a": [{"note": text}, [text]]}}}).encode(), JSON
    elements = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in order().items())
    yield f"<order>{elements}</order>".encode(), "application/xml"
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    parts = "".join(part.format(*field) for field in order().items())
    yield f"{parts}--b--\r\n".encode(), "multipart/form-data; boundary=b"


def holds(text: str) -> bool:
    """Return whether the number can be read in a text, in whatever way."""
    return any(CARD in digits_of(one) for one in (text, *escapings(text)))


@pytest.mark.parametrize("form", ESCAPED)
def test_an_escaped_number_is_stored_emailed_and_shown_nowhere(
    serve: Callable[..., Served], instance: Path, form: str
) -> None:
    text = ESCAPED[form](CARD)
    assert holds(text)
    shop = serve(MERCHANT_EMAIL="owner@laden.de")
    sent = list(bodies(text))
    for body, content_type in sent:
        assert shop.post(body, content_type=content_type).status == 202
    rows = shop.settled()
    assert len(rows) == len(sent)
    for row in rows:
        assert row.held_card_data
        assert not any(holds(one or "") for one in (row.fields, row.order, row.notes, row.errors)), row.fields
        assert "****4242" in row.fields
    mails = shop.rows(MailRow)
    assert len(mails) > len(sent)
    assert [one.subject for one in mails if holds(f"{one.subject} {one.text} {one.html} {one.attachments}")] == []
    visitor = Visitor(shop.base)
    visitor.sign_in()
    for path in ("/admin/orders", "/admin/parked", "/admin/", *(f"/admin/orders/{row.receipt}" for row in rows)):
        page = visitor.get(path)
        assert (page.status, holds(page.text)) == (200, False), path
    stored = stored_in(instance)
    assert "****4242" in stored
    assert text not in stored
    assert json.dumps(text)[1:-1] not in stored


@pytest.mark.parametrize("form", ESCAPED)
def test_an_escaped_number_with_its_code_is_refused_and_kept_nowhere(
    serve: Callable[..., Served], instance: Path, form: str
) -> None:
    shop, text = serve(work=False), ESCAPED[form](CARD)
    for body, content_type in (
        (urlencode(order_fields(card_number=text, cvv="123")).encode(), FORM),
        (json.dumps(order_fields(card_number=text, cvv="123")).encode(), JSON),
    ):
        assert shop.post(body, content_type=content_type).status == 422
    shop.kit.refusals.flush()
    assert shop.rows() == []
    stored = stored_in(instance)
    assert text not in stored
