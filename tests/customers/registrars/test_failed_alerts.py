"""The alert about a customer who couldn't be registered with the website."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from receiver.storage.models import MailRow, OrderRow
from tests.customers.registrars.test_registering import BROKEN, registered
from tests.mail_pages import flat
from tests.served import Served, order_fields

SUBJECT = "Order 2105 (Ada, £19.99): the customer couldn't be registered on your website"


def alerts(shop: Served) -> list[MailRow]:
    return [mail for mail in shop.rows(MailRow) if mail.handler is None]


def test_it_names_order_customer_and_error_and_leads_to_both(serve: Callable[..., Served]) -> None:
    shop = serve(REGISTRAR="sql", registrar=BROKEN, RETRY_SCHEDULE=[])
    shop.post(order_fields(order_number="2105"))
    registered(shop)
    shop.wait_for(lambda: bool(alerts(shop)))
    (mail,) = alerts(shop)
    assert (mail.subject, mail.order_pk) == (SUBJECT, 1)
    text = flat(mail.text)
    assert "Order 2105 Customer ada@shop.example Error The website's database says" in text
    assert "Attempts 1" in text
    for path in ("customers/1", "orders/rcp_00000001"):
        assert f"http://127.0.0.1:8000/admin/{path}" in text
        assert f'href="http://127.0.0.1:8000/admin/{path}"' in (mail.html or "")


def test_without_an_order_of_theirs_it_names_nobody(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes before
    shop = serve(work=False, REGISTRAR="sql", registrar=BROKEN, RETRY_SCHEDULE=[])
    shop.post(order_fields())
    while shop.kit.processor.run_next() or shop.kit.registrations.run_next():
        pass
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(order=None, email=None))
    shop.kit.notices.look()
    (mail,) = alerts(shop)
    assert mail.order_pk is None
    assert "A customer couldn't be registered on your website" in mail.subject
    assert "ada" not in f"{mail.subject} {mail.text} {mail.html}".lower()
