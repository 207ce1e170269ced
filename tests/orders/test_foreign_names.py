"""A service that uses names of its own: parked, explained, mapped while the server runs, replayed, handled."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from receiver.orders import Order
from receiver.storage.models import CustomerRow, MailRow
from tests.served import SECRET, Served

FOREIGN = {
    "OrderRef": "77-A",
    "BuyerEmail": "zoe@kunde.de",
    "Product1Name": "Enamel mug",
    "Product1Qty": "2",
    "Product1Price": "617,28",
    "OrderDate": "23/11/2026",
    "Total": "£1.234,56",
    "Country": "UK",
    "AuthKey": SECRET,
}
MAPPING = """
[sources.shopintegrator.fields]
order_id = "OrderRef"
"customer.email" = ["BuyerEmail", "email"]
"items[].name" = "Product{n}Name"
"items[].quantity" = "Product{n}Qty"
"items[].unit_price" = {from = "Product{n}Price", decimal = ","}
currency = {value = "GBP"}
order_date = {from = "OrderDate", date = "%d/%m/%Y", zone = "Europe/London"}
total = {from = "Total", decimal = ","}
"billing.country" = {from = "Country", words = {UK = "GB"}}
"""


@pytest.fixture
def flask_command(make_app: Callable[..., Flask]) -> Callable[..., Result]:
    """Run a `flask` command on the same instance, as another process would."""

    def run(*words: str) -> Result:
        app = make_app()
        result = app.test_cli_runner().invoke(args=list(words))
        assert result.exit_code == 0, result.output
        return result

    return run


def the_mapping_is_written(instance: Path) -> None:
    """Add the mapping to config.toml and wait as long as the server may take to notice."""
    with (instance / "config.toml").open("a", encoding="utf-8") as file:
        file.write(MAPPING)
    time.sleep(0.25)


def order_of(shop: Served, place: int) -> Order:
    return Order.model_validate_json(shop.rows()[place].order)


def test_an_order_under_foreign_names_is_parked_explained_mapped_replayed_and_handled(
    shop: Served, instance: Path, flask_command: Callable[..., Result]
) -> None:
    parked = shop.post(FOREIGN, prove=False)
    assert (parked.status, parked.content["status"]) == (202, "parked")
    assert [error["field"] for error in parked.content["errors"]] == ["order_id"]
    receipt = parked.content["receipt"]
    assert SECRET not in shop.rows()[0].fields
    assert shop.rows(CustomerRow) == []

    told: dict[str, Any] = json.loads(flask_command("orders", "explain", receipt, "--json").stdout)
    assert told["understood"] is False
    assert set(FOREIGN) == set(told["unused"])
    assert told["suggestions"]["order_id"] == "OrderRef"
    assert told["suggestions"]["customer.email"] == "BuyerEmail"
    assert told["suggestions"]["items[].name"] == "Product{n}Name"
    assert SECRET not in json.dumps(told)
    shown = flask_command("orders", "explain", receipt).stdout
    assert 'order_id = "OrderRef"' in shown

    the_mapping_is_written(instance)
    replayed = json.loads(flask_command("orders", "replay", "--parked", "--json").stdout)
    assert replayed == [{"receipt": receipt, "became": "open"}]

    (row,) = shop.settled()
    assert (row.state, row.order_id, row.email, row.total, row.currency) == (
        "done",
        "77-A",
        "zoe@kunde.de",
        "1234.56",
        "GBP",
    )
    order = order_of(shop, 0)
    assert (order.items[0].name, order.items[0].quantity) == ("Enamel mug", 2)
    assert order.items[0].unit_price == Decimal("617.28")
    assert order.order_date == datetime(2026, 11, 23, tzinfo=UTC)
    assert order.billing is not None
    assert order.billing.country == "GB"
    assert shop.handler_states() == {"register_customer": "done", "email_customer": "done", "notify_merchant": "done"}
    assert [customer.email for customer in shop.rows(CustomerRow)] == ["zoe@kunde.de"]
    to_customer = next(mail for mail in shop.rows(MailRow) if mail.recipient == "zoe@kunde.de")
    assert (to_customer.state, to_customer.handler) == ("sent", "email_customer")
    assert "77-A" in to_customer.subject
    assert "£1,234.56" in to_customer.text


def test_the_next_post_of_the_kind_is_accepted_at_once_by_the_running_server(shop: Served, instance: Path) -> None:
    assert shop.post(FOREIGN, prove=False).content["status"] == "parked"
    the_mapping_is_written(instance)

    accepted = shop.post(FOREIGN | {"OrderRef": "78-A", "Product2Name": "Sticker", "Product2Qty": "1"}, prove=False)
    assert (accepted.status, accepted.content["status"], accepted.content["order_id"]) == (202, "accepted", "78-A")
    parked, done = shop.settled()
    assert (parked.state, done.state, done.proof) == ("parked", "done", "field")
    assert [item.name for item in order_of(shop, 1).items] == ["Enamel mug", "Sticker"]


def test_the_parked_orders_copy_is_known_after_the_mapping(
    shop: Served, instance: Path, flask_command: Callable[..., Result]
) -> None:
    receipt = shop.post(FOREIGN, prove=False).content["receipt"]
    the_mapping_is_written(instance)
    flask_command("orders", "replay", receipt)

    again = shop.post(FOREIGN, prove=False)
    assert (again.status, again.content["status"], again.content["receipt"]) == (200, "duplicate", receipt)
    assert len(shop.settled()) == 1


def test_a_json_body_under_foreign_names_is_mapped_by_its_paths(shop: Served, instance: Path) -> None:
    body = json.dumps(
        {"data": {"ref": "J-1", "lines": [{"what": "Mug"}, {"what": "Sticker"}]}, "auth": {"key": SECRET}}
    ).encode()
    parked = shop.post(body, prove=False, content_type="application/json")
    assert parked.content["status"] == "parked"
    with (instance / "config.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.shopintegrator.fields]\norder_id = "data.ref"\n"items[].name" = "data.lines[].what"\n')
    time.sleep(0.25)

    accepted = shop.post(body.replace(b"J-1", b"J-2"), prove=False, content_type="application/json")
    assert accepted.content["status"] == "accepted"
    assert [item.name for item in order_of(shop, 1).items] == ["Mug", "Sticker"]
    assert SECRET not in shop.rows()[1].fields + shop.rows()[1].order
