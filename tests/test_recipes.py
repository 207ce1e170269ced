"""The recipes: the page shows the files themselves, and each inherits the battery and does what it says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from receiver.orders import Order
from receiver.storage import order_queries
from receiver.testing import HandlerCases, MakeOrder, RunHandler
from tests.served import order_fields

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "handlers"
TEMPLATES = ROOT / "examples" / "templates"
#: What makes an order one that is shipped.
PARCEL = {
    "shipping_name": "Jan Łukasz",
    "shipping_city": "Kraków",
    "shipping_country": "PL",
    "shipping_method": "DHL parcel",
}


class Api(ThreadingHTTPServer):
    """Is an outside API that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.status = 201
        self.calls: list[tuple[str | None, dict[str, Any]]] = []


class _Request(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.headers["Idempotency-Key"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class RecipeCases(HandlerCases):
    """Puts the recipe's file into the instance, with the local API's address in it."""

    @pytest.fixture
    def handler_settings(self, instance: Path, api: Api) -> dict[str, Any]:
        source = (FOLDER / f"{self.name}.py").read_text("utf-8")
        local = re.sub('^URL = ".*"$', f'URL = "http://127.0.0.1:{api.server_port}/"', source, flags=re.MULTILINE)
        (instance / "handlers" / f"{self.name}.py").write_text(local, "utf-8")
        return {"HTTP_ALLOW": ["127.0.0.1"]}

    def test_an_api_that_fails_is_tried_again(self, run_handler: RunHandler, api: Api) -> None:
        api.status = 500
        trial = run_handler(self.name)
        assert trial.state == "retrying"
        assert "answered 500" in (trial.detail or "")


class TestPushToAccounting(RecipeCases):
    name = "push_to_accounting"

    def test_the_invoice_has_number_and_total_under_an_idempotency_key(self, run_handler: RunHandler, api: Api) -> None:
        assert run_handler(self.name, order_fields(order_number="1042")).detail == "invoiced"
        ((key, body),) = api.calls
        assert key is not None
        assert key.endswith(":push_to_accounting:1")
        assert body == {"number": "1042", "total": "19.99", "currency": "GBP"}


class TestPostToWarehouse(RecipeCases):
    name = "post_to_warehouse"

    def test_the_parcel_is_ordered_under_an_idempotency_key(self, run_handler: RunHandler, api: Api) -> None:
        fields = order_fields(order_number="1042", item_1_sku="MUG", item_1_quantity="2", **PARCEL)
        assert run_handler(self.name, fields).detail == "ordered"
        ((key, body),) = api.calls
        assert key is not None
        assert key.endswith(":post_to_warehouse:1")
        assert body == {
            "number": "1042",
            "method": "DHL parcel",
            "to": {"name": "Jan Łukasz", "city": "Kraków", "country": "PL"},
            "items": [{"sku": "MUG", "name": "Enamel mug", "quantity": 2}],
        }

    def test_a_second_attempt_has_the_same_key(self, run_handler: RunHandler, api: Api) -> None:
        api.status = 503
        trial = run_handler(self.name)
        assert trial.state == "retrying"
        with trial.kit.database.write() as session:
            row = order_queries.find(session, trial.receipt)
            row.due_at = row.handlers[0].due_at = datetime.now(UTC)
        api.status = 201
        trial.run()
        assert trial.state == "done"
        assert len(api.calls) == 2
        assert api.calls[0] == api.calls[1]

    def test_a_test_order_is_not_posted(self, run_handler: RunHandler, make_order: MakeOrder, api: Api) -> None:
        assert run_handler(self.name, make_order(test=True)).detail == "doesn't run on test orders"
        assert api.calls == []

    def test_nothing_is_posted_of_what_is_not_shipped(self, run_handler: RunHandler, api: Api) -> None:
        assert run_handler(self.name, order_fields()).detail == "nothing to ship"
        assert api.calls == []


class TestSubscribeToNewsletter(RecipeCases):
    name = "subscribe_to_newsletter"

    @pytest.fixture
    def order(self, make_order: MakeOrder) -> Order:
        """Give the dummy order of a shopper who gave consent."""
        dummy = make_order()
        return dummy.model_copy(update={"customer": dummy.customer.model_copy(update={"accepts_marketing": True})})

    @pytest.mark.parametrize("consent", ["", "false"])
    def test_without_consent_nobody_is_subscribed(self, run_handler: RunHandler, api: Api, consent: str) -> None:
        fields = order_fields(customer_accepts_marketing=consent)
        assert run_handler(self.name, fields).detail == "no consent was given"
        assert api.calls == []

    @pytest.mark.parametrize("status", [200, 409])
    def test_whoever_gave_consent_is_subscribed(self, run_handler: RunHandler, api: Api, status: int) -> None:
        api.status = status
        assert run_handler(self.name, order_fields(customer_accepts_marketing="true")).detail == "subscribed"
        assert api.calls[0][1]["email"] == "ada@shop.example"


@pytest.mark.parametrize(("language", "files"), [("python", FOLDER.glob("*.py")), ("jinja", TEMPLATES.glob("*.txt"))])
def test_the_page_shows_the_files_themselves(language: str, files: Iterator[Path]) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    shown = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert sorted(shown) == sorted(path.read_text("utf-8") for path in files)
