"""Run an order again: one that was not understood is read with today's mapping, another runs what is unfinished."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from receiver.dispatch import handler_rows
from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.handlers.registry import Registry
from receiver.intake.rereading import in_words, reread, settle_others
from receiver.sources.registry import Sources
from receiver.storage import jobs, order_queries
from receiver.storage.database import Database
from receiver.storage.models import HandlerRow, OrderRow

#: The states of orders that no handler runs on; another mapping may make others of them.
_NEVER_RUN = frozenset({"ignored", "duplicate"})
_LEFT_OUT = "left out when the parked order ran"


@dataclass(frozen=True)
class Replayed:
    """What became of an order that was run again."""

    #: Its receipt, or what it was named when it could not be run again.
    receipt: str
    #: The order's state, or *unchanged* when nothing of it was unfinished, or *failed* when it could not be run again.
    state: str
    #: The same in words, with the reason or the next step.
    became: str


def replay_all(
    database: Database,
    orders: Iterable[str],
    *,
    sources: Sources,
    registry: Registry,
    handler: str | None = None,
    without: Collection[str] = (),
    accept_incomplete: bool = False,
    second_order: bool = False,
) -> Iterator[Replayed]:
    """Make orders run again, one transaction each; one that cannot be run stops no other.

    Raises NotThere for a handler that there is not.
    """
    _check_handlers(registry, [*without, *([handler] if handler else [])])
    for order in orders:
        try:
            with database.write() as session:
                done = replay(
                    session,
                    order,
                    sources=sources,
                    registry=registry,
                    handler=handler,
                    without=without,
                    accept_incomplete=accept_incomplete,
                    second_order=second_order,
                )
        except (ConfigurationError, ReceiverError) as error:
            done = Replayed(order, "failed", str(error))
        yield done


def replay(
    session: Session,
    order: str,
    *,
    sources: Sources,
    registry: Registry,
    handler: str | None = None,
    without: Collection[str] = (),
    accept_incomplete: bool = False,
    second_order: bool = False,
) -> Replayed:
    """Make an order run again and give what became of it; raises NotPossible when it cannot.

    It is named by its receipt or its order id, as `find_by_either` takes them.

    With ``handler`` that one runs again as a new run, whatever it made of the order before; an order that is parked
    has to be understood first. The handlers ``without`` are left out of a parked order: they settle as *skipped*.
    With ``accept_incomplete`` one that may have been cut is taken as it is, unless a whole one is there; beside another
    order of its id it runs only as a ``second_order``.
    """
    now = datetime.now(UTC)
    _check_handlers(registry, [*without, *([handler] if handler else [])])
    row = order_queries.find_by_either(session, order)
    _check_is_free(row)
    if handler is None and (row.state == "parked" or (row.state in _NEVER_RUN and row.fields != "[]")):
        reading, columns = reread(
            session, row, sources, now, accept_incomplete=accept_incomplete, second_order=second_order
        )
        _become(session, row, columns, registry, without, now)
        if columns["state"] == "open":
            settle_others(session, row, columns, sources)
        return Replayed(row.receipt, columns["state"], in_words(row, reading, columns))
    _check_can_run(row)
    if handler is None and not _run_unfinished(session, row, now):
        return Replayed(row.receipt, "unchanged", "nothing unfinished; name a handler to run it again")
    if handler is not None:
        _run_handler_again(session, row, registry, handler, now)
    return Replayed(row.receipt, "open", "open")


def take(session: Session, row: OrderRow, *, registry: Registry, handler: str) -> None:
    """Make one handler run again on an order, by the caller alone: under a lease from the start.

    The handler may be one that the registry does not run. Raises NotPossible when it cannot run.
    """
    now = datetime.now(UTC)
    _check_is_free(row)
    _check_can_run(row)
    _run_handler_again(session, row, registry, handler, now)
    _write(session, row, {"attempts": row.attempts + 1, **jobs.new_lease(now)})


def _become(
    session: Session,
    row: OrderRow,
    columns: dict[str, Any],
    registry: Registry,
    without: Collection[str],
    now: datetime,
) -> None:
    """Write what an order is by today's mapping; raises ConfigurationError for what stays ignored or a duplicate."""
    state = columns["state"]
    was_never_more = row.order is None and row.state == "duplicate" and state in {"parked", "duplicate"}
    if was_never_more or (row.order is not None and state == row.state):
        _check_can_run(row)
    _write(session, row, columns)
    if state == "open" and without:
        for one in handler_rows.of_order(session, row, registry, now):
            if one.name in without:
                one.state, one.detail = "skipped", _LEFT_OUT


def _run_unfinished(session: Session, row: OrderRow, now: datetime) -> bool:
    """Queue what is unfinished; False when nothing is."""
    unfinished = session.scalars(
        select(HandlerRow).where(HandlerRow.order_pk == row.id, HandlerRow.state.not_in(("done", "skipped")))
    ).all()
    if row.state == "done" or (row.state == "failed" and not unfinished):
        return False
    for one in unfinished:
        _start_afresh(one, now)
    _write(session, row, {**jobs.NO_RUN, "state": "open", "due_at": now})
    return True


def _run_handler_again(session: Session, row: OrderRow, registry: Registry, name: str, now: datetime) -> None:
    rows = handler_rows.of_order(session, row, registry, now)
    one = next((one for one in rows if one.name == name), None)
    if one is None:
        session.add(handler_rows.new_row(row, name, len(rows) + 1, now))
    elif one.attempts or one.state in handler_rows.FINISHED:
        one.run += 1
        _start_afresh(one, now)
    _write(session, row, {**jobs.NO_RUN, "state": "open", "due_at": now})


def _check_is_free(row: OrderRow) -> None:
    if row.lease_until is not None:
        raise NotPossible(
            f"{row.receipt} is being run at this moment; try again when it has ended. If its server was killed during "
            "that, one that works runs it again within a minute."
        )


def _check_can_run(row: OrderRow) -> None:
    if row.state == "parked":
        raise NotPossible(f"{row.receipt} is not understood yet; see `flask orders explain {row.receipt}`.")
    if row.state in _NEVER_RUN:
        raise NotPossible(f"{row.receipt} is {row.state}: no handler runs on it.")
    if row.test:
        raise NotPossible(f"{row.receipt} is a test transmission; send a new one with `flask selftest`.")
    if row.order is None:
        raise NotPossible(f"{row.receipt} no longer has personal data, so no handler can run on it.")


def _check_handlers(registry: Registry, names: Iterable[str]) -> None:
    for name in names:
        if registry.get(name) is None:
            raise NotThere(f"No handler is named {name[:64]}; see `flask handlers list`.")


def _start_afresh(one: HandlerRow, now: datetime) -> None:
    one.state = "pending"
    one.attempts = 0
    one.due_at = None
    one.waiting_since = now
    one.changed_at = now


def _write(session: Session, row: OrderRow, columns: dict[str, Any]) -> None:
    session.execute(update(OrderRow).where(OrderRow.id == row.id).values(**columns))
