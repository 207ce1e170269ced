"""A list of orders is written as a CSV file whose sum is the page's, and in which no spreadsheet sees a formula."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.app import order_export
from receiver.app.components import Kit
from receiver.storage.order_filters import OrderFilter
from tests.commanding import Run, runner
from tests.storage.search.test_search import store_order
from tests.web.console.visitor import Visitor

HOSTILE = {"order_number": "=1+1", "customer": {"first_name": "@SUM(A1)", "last_name": "a\r\nb;=2"}, "items": [{}]}


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def filled(kit: Kit) -> Kit:
    """Give a kit with orders of every kind: one that's a test, a refund, one in yen, one whose texts are formulas."""
    at = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    sold: dict[str, Any] = {"decided": "completed", "currency": "GBP", "received_at": at}
    store_order(kit, 1, **sold, total="9.99")
    store_order(kit, 2, **sold, total="115.50", state="failed", source="ebay")
    store_order(kit, 3, **sold, total="1000.00", test=True)
    store_order(kit, 4, **sold | {"currency": "JPY"}, total="500")
    store_order(kit, 5, **sold | {"decided": "refunded"}, total="2.00")
    store_order(
        kit, 6, **sold | {"received_at": datetime(2026, 11, 25, tzinfo=UTC)}, order=json.dumps(HOSTILE), total="7.00"
    )
    kit.search_writing.look()
    return kit


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def sums(rows: list[dict[str, str]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        if row["completed_total"]:
            found[row["currency"]] = found.get(row["currency"], Decimal(0)) + Decimal(row["completed_total"])
    return found


@pytest.mark.parametrize(
    ("options", "address", "filters"),
    [
        ([], "", {}),
        (["--state", "failed"], "?state=failed", {"state": "failed"}),
        (["--source", "ebay"], "?source=ebay", {"source": "ebay"}),
        (["--search", "pritchard"], "?q=pritchard", {"words": "pritchard"}),
        (
            ["--min", "9.99", "--max", "115.5"],
            "?min=9.99&max=115.5",
            {"least": Decimal("9.99"), "most": Decimal("115.5")},
        ),
        (["--search", "nobody"], "?q=nobody", {"words": "nobody"}),
    ],
)
def test_the_file_the_command_and_the_page_are_one_list(
    filled: Kit,
    visitor: Visitor,
    run: Run,
    options: list[str],
    address: str,
    filters: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_export, "_BATCH", 2)
    rows = read(run("orders", "export", "-", *options).stdout)
    with filled.database.read() as session:
        totals = OrderFilter(**filters).totals(session)
    assert sums(rows) == totals.sums
    assert len(rows) == totals.found
    page = visitor.get(f"/admin/orders.csv{address}")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.headers["Content-Disposition"].endswith('.csv"')
    assert read(page.html.removeprefix("\ufeff")) == rows


def test_days_are_those_of_the_shop(filled: Kit, run: Run) -> None:
    def found(**settings: Any) -> list[str]:
        said = run("orders", "export", "-", "--from", "2026-11-23", "--to", "2026-11-24", **settings).stdout
        return [row["receipt"] for row in read(said)]

    assert found() == []
    assert found(TIMEZONE="Europe/Berlin") == [f"rcp_0000000{number}" for number in (5, 4, 2, 1)]


def test_a_row_says_who_bought_what_for_how_much_and_is_no_formula(filled: Kit, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("older")
    assert run("orders", "export", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfreceipt,number,")
    hostile, *_, first = read(file.read_text("utf-8-sig"))
    assert (hostile["number"], hostile["customer"]) == ("'=1+1", "'@SUM(A1) a b;'=2")
    assert list(first.values()) == [
        *("rcp_00000001", "MP-2117", "5501", "2026-11-22T23:30:00+00:00", "shopintegrator", "done", "order.completed"),
        *("no", "Zoë Łukasz-Pritchard", "zoe@shop.example", "2", "GBP", "9.99", "9.99"),
    ]


def test_a_new_file_is_its_owners_alone(filled: Kit, run: Run, tmp_path: Path) -> None:
    run("orders", "export", str(tmp_path / "orders.csv"))
    assert (tmp_path / "orders.csv").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path) -> None:
    result = run("orders", "export", str(tmp_path / "no" / "orders.csv"))
    assert (result.exit_code, "can't be written: No such file or directory." in result.stderr) == (1, True)
    for options in (["--min", "NaN"], ["--max", "-1"], ["--from", "23.11.2026"], ["--state", "lost"]):
        assert run("orders", "export", "-", *options).exit_code == 2
