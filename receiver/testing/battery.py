"""The battery that every handler passes: a test class inherits it and names the handler."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, ClassVar

from receiver import handlers
from receiver.handlers.registry import load
from receiver.orders import Order
from receiver.orders.encoding import form_fields
from receiver.orders.names import KINDS, TEXT, Place, form_name
from receiver.settings import instance_files
from receiver.settings.handler_tables import TABLES, with_tables
from receiver.storage.models import MailRow
from receiver.testing.fixtures import RunHandler

HOSTILE = {
    "template": "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}%(x)s{0}",
    "markup": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "line breaks": "Ada\r\nBcc: eve@evil.example\r\n\r\n.\r\nQUIT\n\u2028\x85\x0b",
    "combining marks": "\u0301\u0308\u20dd" * 50,
    "right to left": "\u202e\u2067شركة\u2069 עברית\u200f",
    "sql and paths": "'); DROP TABLE customers; -- ../../../etc/passwd\t%00\x1b[2J",
    "encoded words": "=?utf-8?q?=0D=0ABcc=3A_eve=40evil.example?=",
    "outside the basic plane": "👩\u200d👩\u200d👧\U0010ffff\ufeff\ufffe",
}
#: Ends of the names of fields that are made 10,000 letters long.
LONG = ("name", "company")
#: An order is parked for a word that nobody knows in them, so no handler meets one.
STATES = ("order_status", "payment_status")


class HandlerCases:
    """The tests that any handler inherits: ``class TestMine(HandlerCases): name = "mine"``.

    Override the fixture ``handler_settings`` for a handler that needs settings, and ``order`` for one that has
    nothing to do with the test order.
    """

    name: ClassVar[str]

    def test_it_is_done_and_running_twice_does_no_harm(self, run_handler: RunHandler, outbox: list[MailRow]) -> None:
        """Check that the order is done and its emails sent, and that a second run adds nothing."""
        trial = run_handler(self.name)
        assert trial.harm() == []
        assert trial.state == "done", f"{trial.detail}: override the fixture `order` with one that it works on"
        after_one = trial.rows_of_its_own()
        trial.again()
        assert trial.harm() == []
        assert trial.rows_of_its_own() == after_one
        assert len({mail.message_id for mail in outbox}) == len(outbox)

    def test_it_obeys_a_test_transmission(self, run_handler: RunHandler, order: Order, outbox: list[MailRow]) -> None:
        """Check that no row is kept and every email goes to the merchant."""
        trial = run_handler(self.name, order.model_copy(update={"test": True}))
        assert trial.harm() == []
        assert trial.rows_of_its_own() == trial.before
        assert {mail.recipient for mail in outbox} <= {trial.kit.settings.MERCHANT_EMAIL}
        assert all(mail.test for mail in outbox)

    def test_it_survives_missing_fields(self, run_handler: RunHandler) -> None:
        """Check that an order with only an id is done or skipped."""
        assert run_handler(self.name, {"order_id": "A-1"}).harm() == []

    def test_it_survives_hostile_text(self, run_handler: RunHandler, order: Order) -> None:
        """Check that hostile text does no harm in any text field."""
        usual = dict(form_fields(order))
        kinds = {kind: text_fields(text) for kind, text in HOSTILE.items()}
        very_long = {name: text for name, text in text_fields("N" * 10_000).items() if name.endswith(LONG)}
        harm = {
            kind: run_handler(self.name, {**usual, **changes, "order_id": f"A-{number}", "event_id": f"evt_{number}"})
            for number, (kind, changes) in enumerate({**kinds, "names of 10,000 letters": very_long}.items())
        }
        assert {kind: found for kind, trial in harm.items() if (found := trial.harm())} == {}

    def test_it_imports_neither_engine_nor_routes_nor_another_handler(
        self, instance: Path, handler_settings: dict[str, Any]
    ) -> None:
        """Check that its file imports nothing of the receiver's internals."""
        registry = load(instance, [self.name], with_tables(handler_settings).get(TABLES, {}))
        found = registry.get(self.name)
        assert found, (*registry.problems, *registry.notes)
        module = sys.modules[found.function.__module__]
        assert out_of_bounds(inspect.getsource(module), module.__package__ or "") == []


def text_fields(value: str) -> dict[str, str]:
    """Return every free-text field of the contract, and some unknown fields, all with this text."""
    texts = [(part, field) for (part, field), kind in KINDS.items() if kind is TEXT and field not in STATES]
    known = [form_name(Place(part, 0, field)) for part, field in texts]
    return dict.fromkeys([*known, "custom_gift_message", "item_1_options", "AffiliateRef"], value)


def out_of_bounds(source: str, package: str) -> list[str]:
    """Name what a module in this package imports but may not: the engine, the routes, another handler."""
    return [name for name in _imports(source, package) if _is_out_of_bounds(name)]


def _imports(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _is_out_of_bounds(name: str) -> bool:
    if name.startswith("receiver.handlers."):
        return name.removeprefix("receiver.handlers.") not in {*handlers.__all__, "context.Context"}
    return f"{name}.".startswith(("receiver.app.engine.", "receiver.routes.")) or _is_another_handler(name)


def _is_another_handler(name: str) -> bool:
    """Return whether a name is one of the merchant's files; those starting with ``_`` may be imported."""
    package, _, inner = name.partition(".")
    return package.startswith(instance_files.PREFIX) and not inner.startswith("_")
