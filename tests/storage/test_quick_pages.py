"""What pages read of all orders has an index of its own, so that they're as quick with a million orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from receiver.app import statistics
from receiver.app.components import Kit
from receiver.customers import unread_orders
from receiver.storage import same_id

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def _figures(session: Session) -> Any:
    return statistics.of_handler(session, "mine", NOW - timedelta(days=7))


def _unread(session: Session) -> Any:
    return unread_orders.naming(session, "ada@shop.example", "")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("look", "indexes"),
    [
        (_figures, {"ix_order_handlers_ran", "ix_orders_test"}),
        (_unread, {"ix_orders_not_read"}),
        (same_id.newest_of_orders, {"ix_orders_same_id_as"}),
    ],
)
def test_no_page_walks_all_rows(kit: Kit, look: Callable[[Session], Any], indexes: set[str]) -> None:
    statements: list[tuple[str, Any]] = []

    @event.listens_for(kit.database.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        statements.append((statement, values))

    with kit.database.read() as session:
        look(session)
        connection = session.connection()
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values).all() for one, values in [*statements]]
    steps = [str(step[3]) for plan in plans for step in plan]
    used = {word for step in steps for word in step.split() if word.startswith("ix_")}
    assert used == indexes
    assert not [step for step in steps if step in {"SCAN orders", "SCAN order_handlers"}]
