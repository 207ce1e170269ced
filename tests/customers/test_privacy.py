"""What is kept of one person: it can be given to them whole, and erased."""

from __future__ import annotations

import csv
import fcntl
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.app.commands import customers as commands
from receiver.app.components import Kit
from receiver.customers import csv_erasure, privacy
from receiver.customers.purging import Purged
from receiver.dispatch.replay import Replay
from receiver.errors import ConfigurationError
from receiver.mail import spreadsheet
from receiver.storage import order_queries
from receiver.storage.models import AddressRow, AttemptRow, CustomerRow, HandlerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow
from tests.commanding import Run, runner
from tests.served import Served, order_fields
from tests.waiting import SOON

ADA = "ada@shop.example"
BEA = "bea@shop.example"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def settled(shop: Served) -> Served:
    """Return a shop where Ada and Bea have bought, Ada twice."""
    for email in (ADA, "Ada@Shop.example", BEA):
        shop.post(order_fields(customer_email=email, customer_last_name="Lovelace", billing_city="London"))
    shop.settled()
    return shop


def erase(kit: Kit, email: str = ADA) -> Purged:
    return privacy.erase(kit.database, kit.transport, email, secret_key=kit.secret_key)


def kept(kit: Kit, email: str = ADA) -> privacy.Kept:
    with kit.database.read() as session:
        return privacy.kept(session, email, secret_key=kit.secret_key)


def transmission(kit: Kit, email: str | None, state: str = "delivered", **columns: Any) -> None:
    order = {"order_id": "T-1", "customer": {"email": email} if email else {}}
    values = {"event_id": f"evt_{email}_{state}", "order_id": "T-1", "test": False, "order": json.dumps(order)}
    with kit.database.write() as session:
        session.add(TransmissionRow(**values, created_at=datetime.now(UTC), state=state, **columns))


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def bytes_of(kit: Kit) -> bytes:
    """Return everything that the tables and the outbox folder hold, as text."""
    with kit.database.read() as session:
        tables = [CustomerRow, AddressRow, OrderRow, HandlerRow, AttemptRow, MailRow, TransmissionRow]
        rows = [str(vars(row)) for table in tables for row in session.query(table)]
    return "".join(rows).encode() + b"".join(path.read_bytes() for path in (kit.instance / "outbox").iterdir())


def test_an_export_holds_all_that_is_kept(settled: Served) -> None:
    with settled.kit.database.read() as session:
        exported = privacy.export(session, " ADA@shop.example", secret_key=settled.kit.secret_key)
    assert exported["email"] == ADA
    assert exported["customer"]["last_name"] == "Lovelace"
    assert [address["city"] for address in exported["customer"]["addresses"]] == ["London"]
    assert [order["total"] for order in exported["orders"]] == ["19.99", "19.99"]
    assert exported["orders"][0]["order"]["customer"]["email"] == ADA
    assert ["billing_city", "London"] in exported["orders"][1]["fields_as_received"]
    assert len(exported["mails"]) == 2
    assert BEA not in json.dumps(exported)


def test_letters_outside_ascii_are_the_same_in_any_case(shop: Served) -> None:
    shop.post(order_fields(customer_email="Info@KUNDE-MÜLLER.de"))
    shop.settled()
    email = "info@kunde-müller.de"
    with shop.kit.database.read() as session:
        assert len(privacy.export(session, email, secret_key=shop.kit.secret_key)["mails"]) == 1
    with shop.kit.database.write() as session:
        session.execute(update(MailRow).where(MailRow.handler == "email_customer").values(order_pk=None))
    assert erase(shop.kit, email).mails == 2


def test_an_export_knows_people_who_were_never_registered(serve: Callable[..., Served]) -> None:
    shop = serve(HANDLERS=["notify_merchant"])
    shop.post(order_fields())
    shop.settled()
    with shop.kit.database.read() as session:
        exported = privacy.export(session, ADA, secret_key=shop.kit.secret_key)
    assert exported["customer"] is None
    assert len(exported["orders"]) == 1


def test_a_refund_that_names_nobody_belongs_to_the_customer_of_its_order(shop: Served) -> None:
    for order_id, email in (("A-1", ADA), ("B-1", BEA)):
        shop.post(order_fields(order_id=order_id, customer_email=email))
        shop.post({"order_id": order_id, "event": "order.refunded", "refund_total": "5", "reason": f"{order_id} broke"})
    shop.settled()
    with shop.kit.database.read() as session:
        exported = privacy.export(session, ADA, secret_key=shop.kit.secret_key)
    assert [order["total"] for order in exported["orders"]] == ["19.99", "5"]
    assert erase(shop.kit).orders == 2
    assert b"A-1 broke" not in bytes_of(shop.kit)
    assert b"B-1 broke" in bytes_of(shop.kit)


def test_of_a_stranger_nothing_is_kept(settled: Served) -> None:
    for act in (kept, erase):
        with pytest.raises(ConfigurationError, match=r"Nothing is stored about zoe@kunde\.de"):
            act(settled.kit, "zoe@kunde.de")


def test_an_erasure_leaves_no_word_of_the_person(settled: Served) -> None:
    kit = settled.kit
    transmission(kit, ADA)
    with kit.database.write() as session:
        session.execute(update(AttemptRow).values(detail="ada@shop.example was registered"))
        session.execute(update(HandlerRow).values(detail="ada@shop.example was registered"))
        session.execute(update(HandlerRow).where(HandlerRow.order_pk == 3).values(detail=None))
        session.execute(update(AttemptRow).where(AttemptRow.handler_pk > 6).values(detail=None))
    assert b"ada@shop" in bytes_of(kit).lower()

    assert erase(kit) == Purged(orders=2, mails=4, files=4, transmissions=1)

    assert b"ada@shop" not in bytes_of(kit).lower()
    assert len(kept(kit, BEA).mails) == 2
    with pytest.raises(ConfigurationError):
        kept(kit)


@pytest.mark.sqlite
def test_an_erasure_leaves_nothing_of_the_person_in_the_database_file(settled: Served) -> None:
    """What is deleted leaves its bytes behind where nobody sees to it, and every later backup has them."""
    files = [settled.kit.instance / name for name in ("receiver.sqlite", "receiver.sqlite-wal")]
    assert b"ada@shop" in b"".join(file.read_bytes() for file in files).lower()

    erase(settled.kit)

    assert b"ada@shop" not in b"".join(file.read_bytes() for file in files).lower()


def test_an_order_whose_mail_is_being_sent_is_left_for_the_next_erasure(settled: Served) -> None:
    until = datetime.now(UTC) + timedelta(seconds=20)
    with settled.kit.database.write() as session:
        mail = session.scalars(select(MailRow).where(MailRow.recipient == ADA).limit(1)).one()
        mail.state, mail.lease_token, mail.lease_until = "open", "a sender", until
    assert erase(settled.kit) == Purged(orders=1, mails=3, files=3)

    with settled.kit.database.write() as session:
        session.execute(update(MailRow).values(state="sent", lease_token=None, lease_until=None))
    assert erase(settled.kit) == Purged(orders=1, mails=1, files=1)
    assert b"ada@shop" not in bytes_of(settled.kit).lower()


def test_an_erased_customers_orders_stay_in_the_books(settled: Served) -> None:
    before = [(row.order_id, row.received_at, row.total, row.currency, row.state) for row in settled.rows()]
    erase(settled.kit)
    assert [(row.order_id, row.received_at, row.total, row.currency, row.state) for row in settled.rows()] == before
    assert [row.email for row in settled.rows()] == [None, None, BEA]


def test_an_erased_customers_order_is_still_known_as_a_copy(shop: Served) -> None:
    fields = order_fields()
    shop.post(fields)
    shop.settled()
    erase(shop.kit)
    assert shop.post(fields).content["status"] == "duplicate"
    assert shop.rows(CustomerRow) == []


def test_an_erased_customers_later_order_registers_them_again(settled: Served) -> None:
    erase(settled.kit)
    settled.post(order_fields(customer_first_name="Augusta"))
    settled.settled()
    newest = settled.rows(CustomerRow)[-1]
    assert (newest.email, newest.first_name, newest.last_name) == (ADA, "Augusta", None)


def test_what_is_still_worked_on_is_left(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields())
    transmission(shop.kit, ADA, "open", lease_until=datetime.now(UTC) + timedelta(seconds=20))
    assert erase(shop.kit) == Purged()
    assert [row.email for row in shop.rows()] == [ADA]
    lines = privacy.consequences(kept(shop.kit))
    assert lines[0] == "Removed permanently: nothing yet."
    assert lines[1] == "Left for now: 1 order, 1 transmission, still in progress. Erase again once that's done."


def test_held_transmissions_are_erased_too(shop: Served) -> None:
    transmission(shop.kit, ADA, "held")
    assert privacy.consequences(kept(shop.kit))[0] == "Removed permanently: 1 transmission."
    assert erase(shop.kit) == Purged(transmissions=1)
    assert shop.rows(TransmissionRow) == []


def test_of_whom_only_an_open_transmission_speaks_something_is_kept(shop: Served) -> None:
    transmission(shop.kit, ADA, "open", lease_until=datetime.now(UTC) + timedelta(seconds=20))
    assert privacy.consequences(kept(shop.kit))[1].startswith("Left for now: 1 transmission, still in progress.")
    assert erase(shop.kit) == Purged()


def test_transmissions_that_wait_to_be_sent_are_erased_too(shop: Served) -> None:
    transmission(shop.kit, ADA, "open", due_at=datetime.now(UTC) + timedelta(hours=1))
    assert erase(shop.kit) == Purged(transmissions=1)
    assert shop.rows(TransmissionRow) == []


@pytest.mark.parametrize("named", ["ada@shop.example", "Ada Lovelace <ADA@Shop.example>", " ada@shop.example"])
def test_parked_and_dismissed_orders_of_the_person_are_erased_too(shop: Served, named: str) -> None:
    for number in range(2):
        shop.post({"OrderRef": f"P-{number}", "BuyerEmail": named, "Street": "1 High Street"})
    others = ("xada@shop.example", "ada@shop.example.org", "ada@shop.example-not", "bea@shop.example")
    for other in others:
        shop.post({"OrderRef": f"of {other}", "BuyerEmail": other})
    with shop.kit.database.write() as session:
        order_queries.dismiss(session, "rcp_00000001")
        exported = privacy.export(session, ADA, secret_key=shop.kit.secret_key)
    assert [row["receipt"] for row in exported["unread_orders"]] == ["rcp_00000001", "rcp_00000002"]
    assert "2 parked or dismissed orders" in privacy.consequences(kept(shop.kit))[0]

    assert erase(shop.kit) == Purged(orders=2)

    assert [row.state for row in shop.rows()] == ["ignored"] * 2 + ["parked"] * 4
    assert b"High Street" not in bytes_of(shop.kit)
    with pytest.raises(ConfigurationError, match="Nothing is stored"):
        kept(shop.kit)


def test_the_rows_of_the_csv_file_stay_without_the_person(serve: Callable[..., Served], run: Run) -> None:
    shop = serve(CSV_FILE="orders.csv", CSV_ROWS="items")
    for number, email in enumerate((ADA, BEA, "Ada@Shop.example")):
        name = {"customer_first_name": 'Ada, "the first"', "customer_last_name": "Łovelace", "item_2_name": "Lamp"}
        shop.post(order_fields(order_id=f"A-{number}", customer_email=email, **name))
        shop.settled()
    path = shop.kit.instance / "orders.csv"
    before, length = csv_rows(path), path.stat().st_size

    result = run("customers", "erase", ADA, "--yes", CSV_FILE="orders.csv")
    assert "the person in 4 rows of the CSV file" in result.stdout

    after = csv_rows(path)
    assert path.stat().st_size == length
    assert [row["email"].strip() for row in after] == ["", "", BEA, BEA, "", ""]
    assert [row["first_name"].strip() for row in after] == ["", "", *['Ada, "the first"'] * 2, "", ""]
    for column in ("source", "event_id", "order_id", "total", "item_name"):
        assert [row[column] for row in after] == [row[column] for row in before]
    shop.post(order_fields(order_id="A-9", customer_email=BEA))
    shop.settled()
    assert csv_rows(path)[-1]["order_id"] == "A-9"


@pytest.mark.parametrize("address", ["'ada@shop.example", "=ada@shop.example", "'=ada@shop.example"])
def test_an_address_that_looks_like_a_formula_is_found_in_the_csv_file(tmp_path: Path, address: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id,email\r\nA-1,{spreadsheet.cell(address)}\r\nA-2,ada@shop.example\r\n")
    assert csv_erasure.count(str(path), address) == 1
    assert csv_erasure.count(str(path), "ada@shop.example") == 1


def test_rows_of_the_csv_file_are_counted_once_nobody_writes(tmp_path: Path) -> None:
    """A row that is half written when it's read would be missed."""
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id,email\r\nA-1,{ADA}\r\n")
    with path.open("ab") as writer, ThreadPoolExecutor(1) as pool:
        fcntl.flock(writer, fcntl.LOCK_EX)
        writer.write(b"A-2,ada@")
        writer.flush()
        counted = pool.submit(csv_erasure.count, str(path), ADA)
        with pytest.raises(TimeoutError):
            counted.result(0.2)
        writer.write(b"shop.example\r\n")
        writer.flush()
        fcntl.flock(writer, fcntl.LOCK_UN)
        assert counted.result(SOON) == 2


def test_rows_of_the_csv_file_are_counted_while_others_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"order_id,email\r\nA-1,{ADA}\r\n")
    with path.open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        assert csv_erasure.count(str(path), ADA) == 1


def test_an_export_holds_when_and_by_what_consent_was_given(shop: Served) -> None:
    shop.post(order_fields(order_id="A-7", customer_accepts_marketing="true"))
    shop.settled()
    with shop.kit.database.read() as session:
        customer = privacy.export(session, ADA, secret_key=shop.kit.secret_key)["customer"]
    assert customer["consent_source"] == "order A-7"
    assert datetime.fromisoformat(customer["consent_at"]) <= datetime.now(UTC)


def test_an_export_holds_the_transmissions_and_when_they_were_sent(shop: Served) -> None:
    transmission(shop.kit, ADA)
    transmission(shop.kit, BEA)
    tried: dict[str, Any] = dict.fromkeys(("kind", "cause", "next_step", "headers_sent", "body", "content_type"), "")
    tried |= {"transmission_pk": 1, "url": "https://shop.example", "encoding": "form", "outcome": "delivered"}
    at = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    with shop.kit.database.write() as session:
        session.add(TransmissionAttemptRow(**tried, number=1, at=at, milliseconds=5, status=503))
        session.add(TransmissionAttemptRow(**tried, number=2, at=at, milliseconds=5, status=202))
    with shop.kit.database.read() as session:
        (exported,) = privacy.export(session, ADA, secret_key=shop.kit.secret_key)["transmissions"]
    assert exported["event_id"] == f"evt_{ADA}_delivered"
    assert exported["order"]["customer"]["email"] == ADA
    assert exported["attempts"] == [{"at": at.isoformat(), "status": status} for status in (503, 202)]


def test_transmissions_of_others_stay(settled: Served) -> None:
    for email in (ADA, BEA, None):
        transmission(settled.kit, email)
    assert erase(settled.kit).transmissions == 1
    assert len(settled.rows(TransmissionRow)) == 2


def test_an_order_that_holds_no_person_is_not_run_again(settled: Served) -> None:
    erase(settled.kit)
    with (
        settled.kit.database.write() as session,
        pytest.raises(ConfigurationError, match="no longer has personal data"),
    ):
        again = Replay(
            sources=settled.kit.sources,
            registry=settled.kit.registry,
            bodies=settled.kit.bodies,
            handler="notify_merchant",
        )
        again.one(session, "rcp_00000001")


@pytest.mark.parametrize("words", [("orders", "explain"), ("mail", "preview", "order_confirmation", "--order")])
def test_an_order_that_was_emptied_is_reported_as_such(settled: Served, run: Run, words: tuple[str, ...]) -> None:
    erase(settled.kit)
    result = run(*words, "rcp_00000001")
    assert result.exit_code == 1
    assert "rcp_00000001 no longer has personal data" in result.stderr


def test_the_consequences_are_said_before(settled: Served) -> None:
    transmission(settled.kit, ADA)
    assert privacy.consequences(kept(settled.kit)) == [
        (
            "Removed permanently: the customer's details and consent, 1 address, the contents of 2 orders, "
            "4 emails with any files in the outbox folder, 1 transmission."
        ),
        "Kept for the books: order numbers, dates, amounts and states, without personal data.",
        f"Not erased: {privacy.ELSEWHERE}.",
    ]


def test_export_prints_json(settled: Served, run: Run) -> None:
    result = run("customers", "export", ADA)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["customer"]["email"] == ADA


def test_export_says_that_nothing_is_kept(run: Run) -> None:
    result = run("customers", "export", ADA)
    assert result.exit_code == 1
    assert result.stderr == f"Error: Nothing is stored about {ADA}. See `flask customers list`.\n"


def test_erase_says_what_goes_and_does_it(settled: Served, run: Run) -> None:
    result = run("customers", "erase", ADA, "--yes")
    assert result.exit_code == 0
    assert result.stdout.startswith("Removed permanently: the customer's details")
    assert f"\nErased {ADA}.\n" in result.stdout
    assert run("customers", "erase", ADA, "--yes").exit_code == 1


def test_erase_never_asks_off_a_terminal(settled: Served, run: Run) -> None:
    result = run("customers", "erase", ADA, stdin="y\n")
    assert result.exit_code == 1
    assert result.stderr == "Error: nothing was erased. Use --yes to erase without confirmation.\n"
    assert kept(settled.kit).is_registered


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1)])
def test_erase_asks_on_a_terminal(
    shop: Served, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    shop.post(order_fields())
    shop.settled()
    monkeypatch.setattr(commands, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = run("customers", "erase", ADA, stdin=f"{answer}\n")
    assert result.exit_code == left
    assert len(shop.rows(CustomerRow)) == left


def test_outbox_files_of_other_mails_stay(settled: Served) -> None:
    outbox = Path(settled.kit.instance / "outbox")
    assert len(list(outbox.iterdir())) == 6
    erase(settled.kit)
    assert len(list(outbox.iterdir())) == 2
