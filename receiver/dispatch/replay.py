"""Run orders again: read what wasn't understood with today's mapping, and run what's unfinished of the others."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from receiver.dispatch import handler_rows
from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.handlers.registry import Registry
from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.rereading import in_words, reread, settle_others
from receiver.intake.unread_bodies import UnreadBodies
from receiver.orders.states import COMPLETED_EVENT
from receiver.sources.registry import Sources
from receiver.storage import jobs, order_queries, search
from receiver.storage.database import Database
from receiver.storage.models import HandlerRow, OrderRow

#: The states of orders that no handler runs on; another mapping may change them.
_NEVER_RUN = frozenset({"ignored", "duplicate"})
_LEFT_OUT = "left out when the parked order ran"
#: The note of an order that ran as paid.
RUN_AS_PAID = "run as paid by hand"


@dataclass(frozen=True)
class Replayed:
    """The result of running one order again."""

    #: Its receipt, or how it was named if it can't be run again.
    receipt: str
    #: The order's state, *unchanged* if nothing of it was unfinished, or *failed* if it can't be run again.
    state: str
    #: The same in words, with the reason or the next step.
    became: str


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How orders are run again; raises NotThere for a handler that doesn't run here."""

    sources: Sources
    registry: Registry
    #: What reads bodies that couldn't be read before.
    bodies: UnreadBodies
    #: Run this handler again as a new run, whatever it did before. None runs what's unfinished. A parked order must be
    #: understood first.
    handler: str | None = None
    #: Handlers that a parked order leaves out: they're *skipped*.
    without: Collection[str] = ()
    #: Run an order that may be incomplete as it is, unless there's a whole one.
    accept_incomplete: bool = False
    #: And run it even if there's another order with its order id.
    second_order: bool = False
    #: Run an order that was ignored, or taken for refunded or cancelled, as if it were paid: the merchant knows better.
    as_paid: bool = False

    def __post_init__(self) -> None:
        """Check that the named handlers run here."""
        for name in (*self.without, *([self.handler] if self.handler else [])):
            if self.registry.get(name) is None:
                raise NotThere(f"No handler is named {name[:64]}; see `flask handlers list`.")

    def each(self, database: Database, orders: Iterable[str]) -> Iterator[Replayed]:
        """Run orders again, one transaction each; one that can't be run doesn't stop the others."""
        for order in orders:
            try:
                with database.write() as session:
                    done = self.one(session, order)
            except (ConfigurationError, ReceiverError) as error:
                done = Replayed(order, "failed", str(error))
            yield done

    def one(self, session: Session, order: str) -> Replayed:
        """Run an order again, which is named by its receipt or its order id; raises NotPossible if it can't run."""
        now = datetime.now(UTC)
        row = order_queries.find_by_either(session, order)
        check_is_free(row)
        if self.as_paid:
            _check_can_be_paid(row)
        is_to_be_read = row.state == "parked" or (row.state in _NEVER_RUN and _has_body(row))
        if self.as_paid or (self.handler is None and is_to_be_read):
            return self._read_again(session, row, now)
        _check_can_run(row)
        if self.handler is not None:
            run_handlers_again(session, row, self.registry, (self.handler,), now)
        elif not _run_unfinished(session, row, now):
            return Replayed(row.receipt, "unchanged", "nothing unfinished; name a handler to run it again")
        return Replayed(row.receipt, "open", "open")

    def _read_again(self, session: Session, row: OrderRow, now: datetime) -> Replayed:
        """Write what an order is by today's mapping; raises NotPossible if it stays ignored or a duplicate."""
        if row.body is not None:
            self.bodies.read_again(row)
        reading, columns = reread(
            session,
            row,
            self.sources,
            now,
            accept_incomplete=self.accept_incomplete,
            second_order=self.second_order,
            as_paid=self.as_paid,
        )
        if self.as_paid:
            columns["notes"] = json.dumps([*json.loads(row.notes), RUN_AS_PAID])
            columns["proof"] = IMPORTED_TO_RUN if row.proof == IMPORTED else row.proof
        state = columns["state"]
        was_never_more = row.order is None and row.state == "duplicate" and state in {"parked", "duplicate"}
        if was_never_more or (row.order is not None and state == row.state):
            _check_can_run(row)
        write(session, row, columns)
        if state == "open":
            for one in handler_rows.of_order(session, row, self.registry, now) if self.without else ():
                if one.name in self.without:
                    one.state, one.detail = "skipped", _LEFT_OUT
            settle_others(session, row, columns, self.sources)
        return Replayed(row.receipt, state, in_words(row, reading, columns))


def take(session: Session, row: OrderRow, *, registry: Registry, handler: str) -> None:
    """Prepare a new run of one handler, even one that the registry doesn't run, by the caller alone.

    The order is under a lease from the start. Raises NotPossible if no handler can run on it.
    """
    now = datetime.now(UTC)
    check_is_free(row)
    _check_can_run(row)
    run_handlers_again(session, row, registry, (handler,), now)
    write(session, row, {"attempts": row.attempts + 1, **jobs.new_lease(now)})


def _run_unfinished(session: Session, row: OrderRow, now: datetime) -> bool:
    """Queue what's unfinished; return False if nothing is."""
    unfinished = [one for one in row.handlers if one.state not in {"done", "skipped"}]
    if row.state == "done" or (row.state == "failed" and not unfinished):
        return False
    for one in unfinished:
        _restart(one, now)
    write(session, row, {**jobs.NO_RUN, "state": "open", "due_at": now})
    return True


def run_handlers_again(
    session: Session, row: OrderRow, registry: Registry, names: Iterable[str], now: datetime
) -> None:
    """Queue a new run of each of these handlers."""
    rows = {one.name: one for one in handler_rows.of_order(session, row, registry, now)}
    for name in names:
        if name not in rows:
            rows[name] = handler_rows.new_row(row, name, len(rows) + 1, now)
            session.add(rows[name])
        elif rows[name].attempts or rows[name].state in handler_rows.FINISHED:
            rows[name].run += 1
            _restart(rows[name], now)
    write(session, row, {**jobs.NO_RUN, "state": "open", "due_at": now})


def _has_body(row: OrderRow) -> bool:
    """Return whether there's something left to read again."""
    return row.fields != "[]" or row.body is not None


def check_is_free(row: OrderRow) -> None:
    """Raise NotPossible while an order is being run."""
    if row.lease_until is not None:
        raise NotPossible(
            f"{row.receipt} is being run at this moment; try again when it has ended. If its server was killed during "
            "that, one that works runs it again within a minute."
        )


def _check_can_be_paid(row: OrderRow) -> None:
    if row.test or row.order is None:
        what = "a test" if row.test else row.state if row.state == "parked" else "no longer complete"
    elif row.state == "ignored" or (row.event != COMPLETED_EVENT and row.state == "done" and not row.handlers):
        return
    else:
        what = row.state
    raise NotPossible(f"{row.receipt} is {what}; only an order that was understood and not run can run as paid.")


def _check_can_run(row: OrderRow) -> None:
    if row.state == "parked":
        raise NotPossible(f"{row.receipt} is not understood yet; see `flask orders explain {row.receipt}`.")
    if row.state in _NEVER_RUN:
        raise NotPossible(f"{row.receipt} is {row.state}: no handler runs on it.")
    if row.test:
        raise NotPossible(f"{row.receipt} is a test order; send a new one with `flask selftest`.")
    if row.order is None:
        raise NotPossible(f"{row.receipt} no longer has personal data, so no handler can run on it.")


def _restart(one: HandlerRow, now: datetime) -> None:
    one.state = "pending"
    one.attempts = 0
    one.due_at = None
    one.waiting_since = now
    one.changed_at = now


def write(session: Session, row: OrderRow, columns: dict[str, Any]) -> None:
    """Write columns of an order's row; what it says is searched for as it is then."""
    if "order_id" in columns:
        search.forget(session, [row.id])
    session.execute(update(OrderRow).where(OrderRow.id == row.id).values(**columns))
