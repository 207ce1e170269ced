"""What a handler does to its order, its session, its threads harms no other handler and no other order."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from receiver.models import HandlerRow
from receiver.relay.tables import TransmissionRow
from tests.served import Served, order_fields

Post = Callable[[str], Served]
HEAD = "from sqlalchemy import text\nfrom receiver.handlers import handler\n"


@pytest.fixture
def post(instance: Path, serve: Callable[..., Served]) -> Post:
    """Serve with only the handlers of this code, post one order, and run what is due once."""

    def start(code: str) -> Served:
        (instance / "handlers" / "mine.py").write_text(HEAD + textwrap.dedent(code))
        shop = serve(work=False, HANDLERS=re.findall(r"def (\w+)\(order, context\)", code))
        with shop.kit.database.write() as session:
            session.execute(text("CREATE TABLE work (note TEXT)"))
        assert shop.post(order_fields(order_id="A-1", gift="yes")).status == 202
        shop.kit.processor.run_next()
        return shop

    return start


def ends(shop: Served) -> dict[str, tuple[str, str | None]]:
    """Give state and detail of each handler by its name."""
    return {row.name: (row.state, row.detail) for row in shop.rows(HandlerRow)}


@pytest.mark.parametrize(
    "change",
    [
        "object.__setattr__(order, 'order_id', 'changed')",
        "object.__setattr__(order.customer, 'email', 'changed')",
        "order.items[0].options['Colour'] = 'changed'",
        "order.extra['gift'] = 'changed'",
        "order.__dict__.clear()",
    ],
)
def test_a_handler_that_changes_its_order_changes_no_other_handlers(post: Post, change: str) -> None:
    shop = post(f"""
        def seen(order):
            return str([order.order_id, order.customer.email, order.items[0].options, order.extra])

        @handler
        def changes(order, context):
            {change}
            raise RuntimeError

        @handler
        def sees(order, context):
            assert order is context.order
            return seen(order)
    """)

    assert ends(shop)["sees"] == ("done", "['A-1', 'ada@shop.example', {}, {'gift': 'yes'}]")
    assert json.loads(shop.rows()[0].order)["order_id"] == "A-1"


def test_a_handler_that_changes_its_order_forwards_it_as_it_came(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "mine.py").write_text(
        HEAD
        + textwrap.dedent("""
        @handler
        def sends(order, context):
            object.__setattr__(order, "total", None)
            context.forward("https://example.com/orders")
    """)
    )
    shop = serve(work=False, HANDLERS=["sends"], FORWARD_SECRET="whsec_" + "A" * 32)
    shop.post(order_fields())
    shop.kit.processor.run_next()

    (sent,) = shop.rows(TransmissionRow)
    assert json.loads(sent.order)["total"] == "19.99"


def test_a_handler_cannot_change_the_settings_of_the_others(post: Post) -> None:
    shop = post("""
        @handler
        def changes(order, context):
            context.settings["RETRY_SCHEDULE"].clear()
    """)

    state, detail = ends(shop)["changes"]
    assert (state, (detail or "").partition(":")[0]) == ("retrying", "AttributeError")
