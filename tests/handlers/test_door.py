"""What a handler's author imports: one line, and the places of older releases, whichever comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from receiver.handlers import Context, Order, RetryLater, Skip, handler
from receiver.handlers.contract import MARK
from receiver.storage.models import CustomerRow
from receiver.testing import MakeOrder, RunHandler
from tests.handlers.test_registry import write


@handler
def mine(order: Order, context: Context) -> str:
    """Use what the one line gives, so that mypy reads it too."""
    if context.attempt > 1:
        raise RetryLater
    if not order.items:
        raise Skip("nothing was bought")
    return order.order_id


def test_one_line_imports_all_that_a_handler_needs() -> None:
    assert getattr(mine, MARK).name == "mine"


@pytest.mark.parametrize(
    "code",
    [
        "from receiver.context import Context",
        "import receiver.context; from receiver.handlers import Context; assert receiver.context.Context is Context",
        "from receiver.handlers import Context as new; from receiver.context import Context as old; assert old is new",
        "from receiver.customers import apply_order; from receiver.registrars import registrations",
        "from receiver.handlers import contract, context; from receiver.handlers.context import Context",
    ],
)
def test_the_former_places_work_in_a_fresh_process(code: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_handler_of_ones_own_registers_customers_as_the_built_in_one_does(
    instance: Path, run_handler: RunHandler, make_order: MakeOrder
) -> None:
    code = """
        from receiver.handlers import Context, Order, handler

        @handler
        def mine(order: Order, context: Context) -> str:
            return f"{context.register_customer()} {context.account_url}"
    """
    write(instance, "mine.py", code)
    settings = {"REGISTRAR": "none", "ACCOUNT_URL": "https://shop.example/account"}
    first, second = (run_handler("mine", make_order(), **settings) for _ in range(2))
    order = make_order()
    nobody = order.customer.model_copy(update={"email": None})
    third = run_handler("mine", order.model_copy(update={"customer": nobody}))

    assert [first.detail, second.detail] == [f"{new} https://shop.example/account" for new in (True, False)]
    assert "the order has no email address" in str(third.detail)
    with second.kit.database.read() as session:
        assert len(session.scalars(select(CustomerRow)).all()) == 1
