"""What a handler's author imports: one line, and the places of older releases, whichever comes first."""

from __future__ import annotations

import subprocess
import sys

import pytest

from receiver.handlers import Context, Order, RetryLater, Skip, handler
from receiver.handlers.contract import MARK


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
