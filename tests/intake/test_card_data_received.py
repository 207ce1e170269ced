"""Card data that comes with an order, over a real socket: it is not kept anywhere, told, and costs no order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from receiver.app.doctor import diagnose
from receiver.storage.models import MailRow, NoticeRow
from tests.mail_pages import flat
from tests.served import SECRET, Served, order_fields
from tests.stores import stored

CARD = "4111111111111111"
HEADLINE = "An order arrived with card data, which wasn't stored"


@pytest.fixture
def idle(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve without running jobs; every look for trouble is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    return serve(work=False, SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")


def database(instance: Path) -> str:
    """Give all that is on disk."""
    return stored(instance)


@pytest.mark.parametrize("body", ["order_id=A-1&total=5", "no order"])
def test_a_card_number_in_the_content_type_is_not_kept(idle: Served, instance: Path, body: str) -> None:
    reply = idle.post(body.encode(), headers={"X-Shared-Secret": SECRET}, content_type=f"application/{CARD}")
    assert reply.status == 202
    assert CARD not in database(instance)


@pytest.mark.parametrize(
    "extra",
    [
        {"card_number": CARD},
        {"cvv": "123"},
        {"card_number": CARD, "card_expiry": "12/29"},
        {"payment_reference": CARD},
        {"order_number": CARD},
        {"customer_phone": CARD},
        {"customer_id": CARD},
        {"item_1_sku": CARD},
        {"discount_code": CARD},
        {"gateway_ref": CARD},
        {"store_id": CARD},
        {"order_id": CARD},
        {"event_id": CARD},
        {f"custom_{CARD}": "x"},
        {"customer_note": "４１１１ 1111\u20091111\u200b1111"},
    ],
)
def test_card_data_is_kept_nowhere_and_the_order_is_accepted(
    idle: Served, instance: Path, extra: dict[str, str]
) -> None:
    reply = idle.post(order_fields(**extra))

    assert (reply.status, reply.content["status"]) == (202, "accepted")
    (row,) = idle.rows()
    assert row.held_card_data
    assert any(name.replace(CARD, "****1111") in row.notes for name in extra)
    assert CARD not in database(instance)
    assert not any(text in database(instance) for text in ("４１１１", "111111111111"))
    assert CARD not in json.dumps(reply.content)


def test_an_order_without_card_data_is_not_marked(idle: Served) -> None:
    idle.post(order_fields(shipping_postcode="4111", customer_note="the gate's code is 1234", security_code="1234"))
    (row,) = idle.rows()
    assert (row.held_card_data, row.notes) == (False, "[]")
    assert "1234" in row.fields


def test_a_password_is_kept_out_and_noted_but_is_no_card_data(idle: Served) -> None:
    idle.post(order_fields(customer_password="hunter2"))
    (row,) = idle.rows()
    assert (row.held_card_data, "hunter2" in row.fields) == (False, False)
    assert "customer_password was dropped: it is a field for a password" in row.notes
    assert subjects(idle) == []


def test_a_number_with_its_code_is_refused_and_only_names_are_kept(idle: Served, instance: Path) -> None:
    reply = idle.post(order_fields(card_number=CARD, cvv="987"))

    assert reply.status == 422
    assert "card_number, cvv" in reply.content["detail"]
    assert idle.rows() == []
    idle.kit.refusals.flush()
    assert CARD not in database(instance)


def subjects(shop: Served) -> list[str]:
    shop.kit.notices.look()
    return [mail.subject.removeprefix("Corner Shop: ") for mail in shop.rows(MailRow) if mail.handler is None]


def test_the_merchant_is_told_at_once_then_at_most_once_a_day(idle: Served) -> None:
    idle.post(order_fields())
    assert subjects(idle) == []
    idle.post(order_fields(card_number=CARD))
    assert subjects(idle) == [HEADLINE]
    idle.post(order_fields(customer_note=f"card {CARD}"))
    assert subjects(idle) == [HEADLINE]
    with idle.kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) - timedelta(days=1)))
    assert subjects(idle) == [HEADLINE] * 2
    (mail, _) = idle.rows(MailRow)
    assert "flask doctor" in flat(mail.text)
    assert CARD not in mail.text


def test_the_console_and_doctor_tell_for_a_day(idle: Served) -> None:
    receipt = idle.post(order_fields(card_number=CARD, customer_note=f"card {CARD}")).content["receipt"]
    now = datetime.now(UTC)
    with idle.kit.database.read() as session:
        assert [one.headline for one in idle.kit.notices.standing(session, now)] == [HEADLINE]
        assert idle.kit.notices.standing(session, now + timedelta(days=1)) == []
    ((state, text),) = [(one.state, one.text) for one in diagnose(idle.kit) if one.subject == "card data"]
    assert state == "warning"
    assert text.startswith(f"{receipt} contained some, which wasn't stored: card_number was dropped")
    assert "customer_note held a card number" in text
