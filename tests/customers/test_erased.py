"""An erased person is found nowhere: in no table, no file and on no page; and it's said what's left to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.customers import privacy
from receiver.orders.idempotency import digest
from receiver.security.encryption import encrypted_bytes
from receiver.storage.account_models import RegistrationRow, SignInAttemptRow
from receiver.storage.models import CustomerRow, MailRow, OrderRow, QuarantineRow
from tests import stores
from tests.commanding import runner
from tests.customers.person import EMAIL, WORDS, holds, told_about
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor
from tests.web.console.walking import every_page

#: Tables that hold something of everybody who buys. The details of handlers are only searched for.
_FULL = ("orders", "order_handlers", "mails", "customers", "customer_addresses", "transmissions")


def files(instance: Path) -> dict[str, str]:
    """Return what's in each file of the instance but the merchant's own handlers."""
    return {
        str(path.relative_to(instance)): path.read_bytes().decode("latin-1")
        for path in instance.rglob("*")
        if path.is_file() and "handlers" not in path.parts
    }


def erase(shop: Served, email: str = EMAIL) -> None:
    kit = shop.kit
    privacy.erase(kit.database, kit.transport, email, kit.csv_file, secret_key=kit.secret_key)


@pytest.fixture
def shop(serve: Callable[..., Served], instance: Path) -> Iterator[Served]:
    """Serve a receiver that was told about the person in every way."""
    with told_about(serve, instance) as found:
        yield found


def test_the_person_is_in_no_table_and_no_file_and_on_no_page(
    shop: Served, instance: Path, make_app: Callable[..., Flask]
) -> None:
    visitor, app = Visitor(shop.base), make_app()
    visitor.sign_in()
    # They were everywhere, or the search below would prove nothing.
    before = stores.tables(shop.kit)
    assert [name for name in _FULL if not holds(before[name])] == []
    assert holds(before["handler_attempts"])
    assert before["registrations"]
    assert holds(before["transmission_attempts"])
    assert set(holds(stores.stored(instance))) == set(WORDS)
    assert holds(files(instance)["orders.csv"])
    assert any(holds(text) for name, text in files(instance).items() if name.startswith("outbox/"))
    pages = ("customers/1", "orders/rcp_00000001", "mail/1", "orders")
    assert [path for path in pages if not holds(visitor.get(f"/admin/{path}").text)] == []
    with shop.kit.database.read() as session:
        assert session.scalar(select(OrderRow.body).where(OrderRow.body.is_not(None)))

    visitor.post("/admin/customers/1/erase", follow=False)
    visitor.get("/admin/customers")  # says that it's done

    after = stores.tables(shop.kit)
    assert {name: holds(text) for name, text in after.items() if holds(text)} == {}
    assert after["registrations"] == ""
    assert {name: holds(text) for name, text in files(instance).items() if holds(text)} == {}
    assert holds(stores.stored(instance)) == []
    assert {path: holds(page.html) for path, page in every_page(visitor, app) if holds(unquote(page.html))} == {}
    with shop.kit.database.read() as session:
        assert session.scalar(select(OrderRow.body).where(OrderRow.body.is_not(None))) is None, "it's encrypted"


def test_what_names_the_person_and_is_in_progress_is_left_and_said(shop: Served) -> None:
    waits = encrypted_bytes(shop.kit.secret_key, json.dumps([[["payer_email", "Canary.Q7X@kunde.de"]]]).encode())
    now = datetime.now(UTC)
    with shop.kit.database.write() as session:
        row = {"source": "pay", "digest": "d", "sent": waits, "received_at": now, "due_at": now + timedelta(hours=1)}
        session.add(QuarantineRow(state="open", **row))
        session.execute(update(RegistrationRow).values(lease_token="x", lease_until=now + timedelta(hours=1)))
        kept = privacy.kept(session, EMAIL, secret_key=shop.kit.secret_key)
    said = "Left for now: 1 order in quarantine, 1 registration on your website, still in progress."
    assert privacy.consequences(kept)[2].startswith(said)

    erase(shop)
    assert [row.email for row in shop.rows(CustomerRow)] == [EMAIL], "it's found again by this row"
    with shop.kit.database.write() as session:
        session.execute(update(RegistrationRow).values(lease_token=None, lease_until=None))
    erase(shop)
    assert shop.rows(CustomerRow) == []


def test_emails_to_the_person_about_anybodys_order_are_erased(serve: Callable[..., Served]) -> None:
    shop = serve()
    for email in (EMAIL, "bea@shop.example"):
        shop.post(order_fields(customer_email=email))
        shop.settled()
    with shop.kit.database.write() as session:
        gift = session.scalars(select(MailRow).where(MailRow.recipient == "bea@shop.example")).one()
        gift.recipient = EMAIL
    erase(shop)
    assert [row.handler for row in shop.rows(MailRow)] == ["notify_merchant"]


def test_wrong_passwords_for_the_account_are_forgotten_with_it(serve: Callable[..., Served]) -> None:
    """They're counted by a digest of the email, which whoever knows the email can make too."""
    shop = serve()
    shop.post(order_fields(customer_email=EMAIL))
    shop.settled()
    visitor = Visitor(shop.base)
    for email in (EMAIL, "bea@shop.example"):
        token = visitor.get("/account/sign-in").token
        visitor.post("/account/sign-in", {"email": email, "password": "wrong"}, token=token)
    erase(shop)
    assert [row.account for row in shop.rows(SignInAttemptRow)] == [digest("bea@shop.example")]


def test_the_command_and_the_console_say_what_was_done_and_what_is_left_to_do(
    serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    shop = serve(CSV_FILE="orders.csv", HANDLERS=["register_customer", "append_csv"])
    for email in (EMAIL, "bea@shop.example"):
        shop.post(order_fields(customer_email=email))
        shop.settled()
    left = f"Not erased, so do it there: {privacy.ELSEWHERE}."
    csv = f"The CSV file {shop.kit.instance / 'orders.csv'} has blanks for them now, in 1 row."
    result = runner(make_app)("customers", "erase", EMAIL, "--yes", CSV_FILE="orders.csv")
    assert result.stdout.splitlines()[-3:] == [f"Erased {EMAIL}.", csv, left]
    visitor = Visitor(shop.base)
    visitor.sign_in()
    assert f"Erased bea@shop.example. {csv} {left}" in visitor.post("/admin/customers/2/erase").text
