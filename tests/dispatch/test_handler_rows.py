"""Which handler of an order may run now, and when the next one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.dispatch.handler_rows import next_ready, state_of
from receiver.handlers import Handler
from receiver.handlers.registry import Registry
from receiver.settings.instance_files import InstanceFiles
from receiver.storage.models import HandlerRow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def registry(**after: str | None) -> Registry:
    """Make handlers by name, each with the one that it runs after."""
    return Registry(
        tuple(Handler(name=name, function=lambda _order, _context: None, after=other) for name, other in after.items()),
        (),
        InstanceFiles(Path("handlers")),
    )


def row(name: str, state: str = "pending", *, due_in: timedelta | None = None) -> HandlerRow:
    due_at = None if due_in is None else NOW + due_in
    return HandlerRow(name=name, state=state, waiting_since=NOW, due_at=due_at)


def ready(rows: list[HandlerRow], handlers: Registry, *, later: timedelta = timedelta(0)) -> str | None:
    found = next_ready(rows, handlers, NOW + later)
    return found.name if found else None


def test_handlers_run_in_their_order() -> None:
    handlers = registry(a=None, b=None)
    assert ready([row("a"), row("b")], handlers) == "a"
    assert ready([row("a", "done"), row("b")], handlers) == "b"
    assert ready([row("a", "done"), row("b", "skipped")], handlers) is None


def test_a_handler_waits_for_the_one_it_runs_after_wherever_that_stands() -> None:
    handlers = registry(last="first", first=None)
    assert ready([row("last"), row("first")], handlers) == "first"
    for finished in ("done", "skipped", "failed"):
        assert ready([row("last"), row("first", finished)], handlers) == "last"


def test_a_chain_runs_from_its_end() -> None:
    handlers = registry(c="b", b="a", a=None)
    assert ready([row("c"), row("b"), row("a")], handlers) == "a"
    assert ready([row("c"), row("b"), row("a", "done")], handlers) == "b"


def test_a_handler_waits_for_a_retried_one_a_quarter_of_an_hour_at_most() -> None:
    handlers = registry(first=None, last="first")
    rows = [row("first", "retrying", due_in=timedelta(hours=2)), row("last")]
    assert ready(rows, handlers) is None
    assert ready(rows, handlers, later=QUARTER - timedelta(milliseconds=1)) is None
    assert ready(rows, handlers, later=QUARTER) == "last"
    assert state_of(rows, handlers, NOW) == ("open", NOW + QUARTER)


def test_an_order_is_due_again_when_its_next_handler_is() -> None:
    handlers = registry(first=None, last="first")
    rows = [row("first", "retrying", due_in=timedelta(minutes=5)), row("last")]
    assert state_of(rows, handlers, NOW) == ("open", NOW + timedelta(minutes=5))


def test_two_that_wait_for_each_other_are_left_alone_for_a_quarter_of_an_hour() -> None:
    """And are not claimed again and again meanwhile."""
    handlers = registry(a="b", b="a")
    rows = [row("a"), row("b")]
    assert ready(rows, handlers) is None
    assert state_of(rows, handlers, NOW) == ("open", NOW + QUARTER)
    assert ready(rows, handlers, later=QUARTER) == "a"


def test_nobody_waits_for_a_handler_that_does_not_run_here() -> None:
    assert ready([row("last")], registry(last="nobody")) == "last"


def test_a_handler_that_is_gone_waits_for_nobody() -> None:
    assert ready([row("gone"), row("first")], registry(first=None)) == "gone"


@pytest.mark.parametrize(
    ("states", "expected"),
    [(["done", "skipped"], "done"), (["done", "failed"], "failed"), (["skipped", "skipped"], "done"), ([], "done")],
)
def test_an_order_whose_handlers_are_finished_is_done_unless_one_failed(states: list[str], expected: str) -> None:
    rows = [row(str(number), state) for number, state in enumerate(states)]
    assert state_of(rows, registry(), NOW) == (expected, None)
