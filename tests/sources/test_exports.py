"""A shop's own export is imported by its kind, and what it posts of the same orders is a copy."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from receiver.security.schemes import Sent
from tests.commanding import Run, runner
from tests.served import Served

SECRET = "hush-b0ff1e5e4c9d4f7a8e6d"
SHOPS = Path(__file__).parent / "shops"
PAID = json.loads((SHOPS / "shopify" / "paid.json").read_bytes())
SHOPIFY = {"shop": {"kind": "shopify", "secrets": [SECRET]}}


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def export(path: Path) -> str:
    """Write the order as the admin's export does: a row an item, what's the order's in its first row alone."""
    address = PAID["billing_address"]
    first = {
        "Email": PAID["email"],
        "Financial Status": "paid",
        "Currency": PAID["currency"],
        "Taxes": PAID["total_tax"],
        "Total": PAID["total_price"],
        "Created at": "2026-11-23 15:05:09 +0100",
        "Billing Name": address["name"],
        "Billing Zip": f"'{address['zip']}",
        "Billing Province": address["province_code"],
        "Billing Country": address["country_code"],
        "Cancelled at": "",
        "Id": PAID["id"],
    }
    rows = [
        (first if not number else dict.fromkeys(first, ""))
        | {"Name": PAID["name"]}
        | {f"Lineitem {name}": item[name] for name in ("quantity", "name", "price", "sku")}
        for number, item in enumerate(PAID["line_items"])
    ]
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ["Name", *first, *(name for name in rows[0] if name.startswith("Lineitem"))])
        table.writeheader()
        table.writerows(rows)
    return str(path)


def test_shopifys_csv_export_is_what_it_posts(run: Run, serve: Callable[..., Served], tmp_path: Path) -> None:
    shop = serve(work=False, sources=SHOPIFY)
    result = run("orders", "import", export(tmp_path / "orders_export.csv"), "--as", "shop", sources=SHOPIFY)
    assert result.stdout.startswith("1 imported."), result.output
    (row,) = shop.rows()
    order = json.loads(row.order)
    assert (order["order_id"], order["order_number"], order["total"]) == (str(PAID["id"]), PAID["name"], "127.58")
    assert order["order_date"] == "2026-11-23T14:05:09Z"
    assert (order["billing"]["postcode"], order["billing"]["country"]) == ("04277", "DE")
    assert [(item["sku"], item["quantity"]) for item in order["items"]] == [("BOARD-L", 2), ("OIL-250", 1)]
    assert not [name for name in order.get("extra", {}) if "rows" in name]

    body = json.dumps(PAID).encode()
    scheme = shop.kit.sources.get("shop").scheme
    assert scheme is not None
    headers = scheme.sign(Sent({}, body, "", list), SECRET, datetime.now(UTC)) | {"X-Shopify-Topic": "orders/paid"}
    reply = shop.post(body, headers=headers, content_type="application/json", path="/orders/shop")
    assert reply.content["status"] == "duplicate"


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_answer_of_a_shops_api_is_a_list_of_orders(run: Run, tmp_path: Path, wrapped: bool) -> None:
    other = PAID | {"id": 7}
    (tmp_path / "orders.json").write_text(json.dumps({"orders": [PAID, other]} if wrapped else [PAID, other]))
    result = run("orders", "import", str(tmp_path / "orders.json"), "--as", "shop", sources=SHOPIFY)
    assert result.stdout.startswith("2 imported."), result.output
