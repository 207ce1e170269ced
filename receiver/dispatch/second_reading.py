"""Read an order that has run with today's mapping: what changes, which handlers run for that, and saving it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from receiver.dispatch import replay
from receiver.dispatch.outcome_rows import order_of
from receiver.errors import NotPossible
from receiver.handlers.registry import Registry
from receiver.intake.rereading import reread
from receiver.orders import NotUnderstood
from receiver.orders.idempotency import digest
from receiver.sources.registry import Sources
from receiver.storage import order_queries
from receiver.storage.columns import milliseconds
from receiver.storage.models import OrderRow

#: The states of orders that have run, or are running. Others are read again by a replay.
_HAS_RUN = ("open", "done", "failed")
#: What isn't a field that was read: all that was left over, and remarks.
_NOT_READ = ("extra", "notes")
#: Repeats what it does without harm, and is what makes a customer's record follow.
_KEEPS_CUSTOMERS = "register_customer"
_OF_CUSTOMERS = ("customer.", "billing.", "shipping.", "locale")
#: Changed fields that an order's notes name.
_MOST_NAMED = 20


class Difference(NamedTuple):
    """One field that today's mapping reads in another way; empty where there's none."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class SecondReading:
    """What an order is by today's mapping, and what follows from that."""

    receipt: str
    differences: tuple[Difference, ...]
    #: The handlers that run once it's saved: they skipped the order, or keep its customer's record.
    runs: tuple[str, ...]
    #: The other handlers of its event that are finished with it, and how each ended; empty if it never ran.
    others: dict[str, str]
    #: To be written.
    columns: dict[str, Any]

    @property
    def mark(self) -> str:
        """What tells whether another look finds the same: of the order as it was read."""
        return digest(self.columns["order"])[:16]


def look(session: Session, name: str, sources: Sources, registry: Registry) -> SecondReading:
    """Read an order, named by its receipt or order id, and change nothing.

    Raises NotThere, ConfigurationError while the mapping is wrong, and NotPossible: for what hasn't run, for an order
    without personal data, and where today's mapping doesn't understand it or says that it's something else.
    """
    row = order_queries.find_by_either(session, name)
    _check(row)
    as_paid = replay.RUN_AS_PAID in json.loads(row.notes)
    reading, columns = reread(
        session, row, sources, datetime.now(UTC), accept_incomplete=True, second_order=True, as_paid=as_paid
    )
    if isinstance(reading, NotUnderstood):
        first = reading.errors[0]
        raise NotPossible(f"By today's mapping, {row.receipt} isn't understood: {first.field} {first.message}.")
    if columns["state"] == "duplicate":
        raise NotPossible(f"By today's mapping, {row.receipt} is the same order as {columns['duplicate_of']}.")
    if columns["test"] or columns["decided"] != row.decided:
        what = "a test" if columns["test"] else columns["decided"]
        raise NotPossible(f"By today's mapping, {row.receipt} is {what}, and handlers ran on it as {row.decided}.")
    was = order_of(row)
    if milliseconds(was.order_date) == milliseconds(reading.order.order_date):
        # It stands for a missing one, and came more exactly than it's stored.
        order = reading.order.model_copy(update={"order_date": was.order_date})
        columns["order"] = order.model_dump_json(exclude_none=True)
    differences = tuple(_differences(json.loads(row.order or "{}"), json.loads(columns["order"])))
    runs = _runs_by_themselves(row, registry, differences)
    states = {one.name: one.state for one in row.handlers}
    others = {
        handler.name: states.get(handler.name, "")
        for handler in registry.on(row.event)
        if handler.name not in runs and states.get(handler.name) not in {"pending", "retrying"}
    }
    return SecondReading(row.receipt, differences, runs, others, columns)


def save(session: Session, seen: SecondReading, registry: Registry, also: Collection[str] = ()) -> None:
    """Write what was read, and have the handlers run that do so by themselves, and those in ``also``.

    The copies of the order that come from now on are read by the same mapping, so its digest follows, and its key if
    the ids changed that it's made of. Raises NotPossible if a name isn't among the others, or while the order runs.
    """
    row = order_queries.find(session, seen.receipt)
    _check(row)
    unknown = [name for name in also if name not in seen.others and name not in seen.runs]
    if unknown:
        raise NotPossible(f"{unknown[0][:64]} isn't finished with {row.receipt}, or doesn't run on its event.")
    changed = ", ".join(one.field for one in seen.differences[:_MOST_NAMED])
    more = f" and {len(seen.differences) - _MOST_NAMED} more" if len(seen.differences) > _MOST_NAMED else ""
    note = f"read again by hand on {datetime.now(UTC):%Y-%m-%d}; changed: {changed}{more}"
    columns = {name: value for name, value in seen.columns.items() if name not in _OF_THE_RUN}
    replay.write(session, row, columns | {"notes": json.dumps([*json.loads(row.notes), note])})
    if names := [name for name in (*seen.runs, *also) if name]:
        replay.run_handlers_again(session, row, registry, dict.fromkeys(names), datetime.now(UTC))


#: What a reading says of an order that's new.
_OF_THE_RUN = frozenset({"state", "due_at", "lease_token", "lease_until", "duplicate_of"})


def _check(row: OrderRow) -> None:
    if row.state not in _HAS_RUN:
        raise NotPossible(f"{row.receipt} is {row.state}: `flask orders replay {row.receipt}` reads it again.")
    if row.test:
        raise NotPossible(f"{row.receipt} is a test order; send a new one with `flask selftest`.")
    if row.order is None or row.fields == "[]":
        raise NotPossible(f"{row.receipt} no longer has personal data, so it can't be read again.")
    replay.check_is_free(row)


def _runs_by_themselves(row: OrderRow, registry: Registry, differences: Collection[Difference]) -> tuple[str, ...]:
    """Return the handlers that skipped the order, which may have what they lacked, and the one that keeps customers."""
    if not differences:
        return ()
    of_customer = any(one.field.startswith(_OF_CUSTOMERS) for one in differences)
    skipped = {one.name for one in row.handlers if one.state == "skipped" and one.attempts}
    keeps = {one.name for one in row.handlers if one.state == "done" and one.name == _KEEPS_CUSTOMERS and of_customer}
    return tuple(handler.name for handler in registry.on(row.event) if handler.name in skipped | keeps)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    was, now = (dict(_leaves({key: one[key] for key in one if key not in _NOT_READ})) for one in (before, after))
    for field in dict.fromkeys([*now, *was]):
        if was.get(field, "") != now.get(field, ""):
            yield Difference(field, was.get(field, ""), now.get(field, ""))


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value of an order in JSON."""
    if isinstance(node, dict):
        for key, below in node.items():
            yield from _leaves(below, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for number, below in enumerate(node):
            yield from _leaves(below, f"{path}[{number}]")
    else:
        yield path, str(node).lower() if isinstance(node, bool) else str(node)
