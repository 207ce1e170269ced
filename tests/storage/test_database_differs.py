"""A database that differs from what this release needs takes no order: 503 and a line in the log, never a 500."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.damage import NEVER_FILLED, change
from tests.served import Served, order_fields


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    return serve(work=False)


def test_a_column_that_no_order_fills_is_answered_503_until_it_is_gone(
    shop: Served, caplog: pytest.LogCaptureFixture
) -> None:
    change(shop.kit, NEVER_FILLED)
    order = order_fields()

    reply = shop.post(order)

    assert (reply.status, reply.headers["Retry-After"]) == (503, "30")
    assert re.search("IntegrityError: NOT NULL constraint failed: orders.receipt|NotNullViolation: ", caplog.text)
    change(shop.kit, "ALTER TABLE orders DROP COLUMN receipt")
    assert shop.post(order).status == 202


@pytest.mark.sqlite
def test_a_copy_that_the_database_refuses_is_answered_503(shop: Served, caplog: pytest.LogCaptureFixture) -> None:
    """What follows the insert may be refused too: here, by a trigger, the note of a copy."""
    order = order_fields()
    shop.post(order)
    change(
        shop.kit, "CREATE TRIGGER no_change BEFORE UPDATE ON orders BEGIN SELECT raise(ABORT, 'no change, please'); END"
    )

    assert shop.post(order).status == 503
    assert "IntegrityError: no change, please" in caplog.text
