"""The battery for a handler: a test class that inherits it and names the handler runs it all.

    class TestTellTheWarehouse(HandlerCases):
        name = "tell_the_warehouse"

A file of that name is taken from ``instance/handlers/``; other handlers are found as the receiver finds them.
"""

from __future__ import annotations

import ast
import email
import inspect
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import text

from receiver import handlers
from receiver.models import HandlerRow, MailRow
from receiver.orders import encode_form
from receiver.orders.names import KINDS, TEXT, Place, form_name
from receiver.relay.dummy import dummy_order
from receiver.replay import replay
from tests.served import Served, order_fields, signed

MERCHANTS_FILES = Path(__file__).parents[1] / "instance" / "handlers"
#: What the receiver itself writes for every order that is run; a handler's own work is in all other tables.
RECORDS = frozenset({"orders", "order_handlers", "handler_attempts", "mails"})
HARMLESS = frozenset({"done", "skipped"})

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


class HandlerCases:
    """Runs one handler, alone, on all that an order may be."""

    name: ClassVar[str]

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Give the settings that the handler works with; none unless overridden."""
        return {}

    @pytest.fixture
    def alone(self, serve: Callable[..., Served], instance: Path, settings: dict[str, Any]) -> Served:
        """Serve without running jobs, with this handler only."""
        own_file = MERCHANTS_FILES / f"{self.name}.py"
        if own_file.exists():
            shutil.copy(own_file, instance / "handlers")
        shop = serve(work=False, HANDLERS=[self.name], **settings)
        assert shop.kit.registry.get(self.name) is not None, shop.kit.registry.problems
        return shop

    def test_it_is_done_with_the_dummy_order(self, alone: Served) -> None:
        assert post_dummy(alone) == "accepted"

        assert run_on_newest(alone) == "done"
        send_mails(alone)

    def test_running_twice_does_no_harm(self, alone: Served) -> None:
        post_dummy(alone)
        run_on_newest(alone)
        after_one = work_of_handlers(alone)
        with alone.kit.database.write() as session:
            kit = alone.kit
            replay(session, "rcp_00000001", sources=kit.sources, registry=kit.registry, handler=self.name)

        assert run_on_newest(alone) in HARMLESS
        assert work_of_handlers(alone) == after_one
        assert len({mail.message_id for mail in alone.rows(MailRow)}) == len(alone.rows(MailRow))

    def test_a_test_transmission_leaves_nothing_in_the_database(self, alone: Served) -> None:
        before = work_of_handlers(alone)
        assert post_dummy(alone, test=True) == "tested"

        assert alone.handler_states()[self.name] in HARMLESS
        assert work_of_handlers(alone) == before
        merchant = alone.kit.settings["MERCHANT_EMAIL"]
        assert all(mail.test and mail.recipient == merchant for mail in alone.rows(MailRow))

    def test_an_order_with_nothing_but_its_id_is_done_or_skipped(self, alone: Served) -> None:
        assert alone.post({"order_id": "A-1"}).status == 202

        assert run_on_newest(alone) in HARMLESS
        send_mails(alone)

    @pytest.mark.parametrize("kind", HOSTILE)
    def test_hostile_text_in_every_text_field_is_survived(self, alone: Served, kind: str) -> None:
        assert alone.post(order_fields() | dict(text_fields(HOSTILE[kind]))).status == 202

        assert run_on_newest(alone) in HARMLESS
        send_mails(alone)

    def test_names_of_ten_thousand_letters_are_survived(self, alone: Served) -> None:
        fields = {name: value for name, value in text_fields("N" * 10_000) if name.endswith(LONG)}
        assert len(fields) >= 9
        assert alone.post(order_fields() | fields).status == 202

        assert run_on_newest(alone) in HARMLESS
        send_mails(alone)

    def test_its_file_imports_neither_engine_nor_routes_nor_another_handler(self, alone: Served) -> None:
        found = alone.kit.registry.get(self.name)
        assert found is not None
        file = inspect.getsourcefile(found.function)
        assert file is not None

        assert [name for name in imports(Path(file)) if is_out_of_bounds(name)] == []


def post_dummy(shop: Served, *, test: bool = False) -> str:
    """Post the dummy order, signed, as a real order or as the test transmission that it is; gives the answer's word."""
    order = dummy_order(now=datetime.now(UTC), nonce="1").model_copy(update={"test": test})
    body = encode_form(order)
    return str(shop.post(body, headers=signed(body)).content["status"])


def run_on_newest(shop: Served) -> str:
    """Run what is due, and give the state of the only handler."""
    while shop.kit.processor.run_next():
        pass
    row: HandlerRow = shop.rows(HandlerRow)[-1]
    return row.state


def send_mails(shop: Served) -> None:
    """Send what is in the outbox; each mail must arrive, with the headers that it was given and no other."""
    while shop.kit.outbox.run_next():
        pass
    assert {mail.state for mail in shop.rows(MailRow)} <= {"sent"}, [mail.detail for mail in shop.rows(MailRow)]
    written = list((shop.kit.instance / "outbox").glob("*.eml"))
    assert len(written) == len(shop.rows(MailRow))
    recipients = {mail.message_id: mail.recipient for mail in shop.rows(MailRow)}
    for path in written:
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        assert message["To"] == recipients[message["Message-ID"]]
        assert message.keys().count("To") == message.keys().count("Subject") == 1
        assert not {"bcc", "cc"} & {name.lower() for name in message}


def work_of_handlers(shop: Served) -> dict[str, int]:
    """Count the rows of every table but the receiver's own records."""
    with shop.kit.database.read() as session:
        tables = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        return {
            table: session.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0
            for table in tables
            if table not in RECORDS
        }


def text_fields(value: str) -> Iterator[tuple[str, str]]:
    """Give every field of the contract that may hold any text, and fields that it does not know, with this text."""
    for (part, field), kind in KINDS.items():
        if kind is TEXT:
            yield form_name(Place(part, 0, field)), value
    yield "custom_gift_message", value
    yield "item_1_options", value
    yield "AffiliateRef", value


def imports(file: Path) -> Iterator[str]:
    """Give the full name of everything that a file imports; a relative import begins with a full stop."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + f"{node.module}." if node.module else "." * node.level
            yield from (module + alias.name for alias in node.names)


def is_out_of_bounds(name: str) -> bool:
    """Tell whether a handler must not import this: the engine, the routes, another handler."""
    if name.startswith((".", "instance_handlers_")):
        return True
    if name.startswith("receiver.handlers."):
        return name.removeprefix("receiver.handlers.") not in handlers.__all__
    return any(f"{name}.".startswith(f"receiver.{module}.") for module in ("engine", "routes"))
