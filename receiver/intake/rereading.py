"""Read a kept order with today's mapping: what its row becomes, given what else is kept under its key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.intake import copies, held_back, second_orders
from receiver.intake.order_row import what_was_read
from receiver.orders import MAY_BE_INCOMPLETE, Mapping, NotUnderstood, Understood, read, read_held_back
from receiver.orders.idempotency import content_digest, kept_key, own_key
from receiver.orders.states import COMPLETED, LATER, UPDATED
from receiver.sources.registry import Sources
from receiver.sources.source import Source
from receiver.storage import jobs
from receiver.storage.columns import pk_of
from receiver.storage.models import OrderRow


def reread(
    session: Session,
    row: OrderRow,
    sources: Sources,
    now: datetime,
    *,
    accept_incomplete: bool = False,
    second_order: bool = False,
    as_paid: bool = False,
) -> tuple[Understood | NotUnderstood, dict[str, Any]]:
    """Read an order again; return the reading, and the columns to write.

    One that may have been cut gives way to the whole one. Otherwise it's held back unless it's accepted; even then if
    there's an order of its id, unless it's to run as a ``second_order``.
    Raises ConfigurationError while the mapping is wrong.
    """
    sources.check_file()
    fields, source = copies.fields_of(row.fields), sources.get(row.source)
    if row.may_be_cut:
        waits = read_held_back(fields, source.mapping, row.received_at)
        if receipt := held_back.superseded_by(session, row, waits):
            return waits, {"state": "duplicate", "duplicate_of": receipt}
        if not (accept_incomplete or source.accepts_chunked_forms):
            return waits, _parked(row, waits, now, source)
    reading = read(fields, source.mapping, row.received_at)
    if as_paid and isinstance(reading, Understood):
        reading = Understood.of(reading.order, COMPLETED)
    if isinstance(reading, NotUnderstood):
        return reading, _parked(row, reading, now, source)
    columns = what_was_read(reading, now, source=source, fields=fields)
    if reading.order.test:  # a test's handlers run when it arrives, or never
        columns |= {**jobs.NO_RUN, "state": "done"}
    key = kept_key(reading.order, reading.decided, key=row.key)
    columns |= _beside_others(session, row, key, columns, source, as_paid=as_paid)
    if row.may_be_cut and columns["state"] == "open" and not second_order:
        reason = second_orders.in_the_way(session, row, source.mapping)
        if reason is not None:
            waits = replace(waits, errors=(reason,))
            return waits, _parked(row, waits, now, source)
    return reading, columns


def in_words(row: OrderRow, reading: Understood | NotUnderstood, columns: dict[str, Any]) -> str:
    """Return what an order became, with the reason or the next step."""
    state = str(columns["state"])
    if state == "duplicate":
        return f"duplicate of {columns['duplicate_of']}"
    if state != "parked" or not isinstance(reading, NotUnderstood):
        return state
    if MAY_BE_INCOMPLETE in reading.errors:
        return f"parked: may be incomplete; when you have looked: flask orders replay {row.receipt} --accept-incomplete"
    if second_orders.names_another(reading.errors):
        return f"parked: {reading.errors[0].message}"
    errors = "1 error" if len(reading.errors) == 1 else f"{len(reading.errors)} errors"
    return f"parked: {errors}; see `flask orders explain {row.receipt}`"


def settle_others(session: Session, row: OrderRow, columns: dict[str, Any], sources: Sources) -> None:
    """Make duplicates of an order that was just understood: what it corrects under its key, and what it contains."""
    key = columns["key"].partition(".")[0]
    for kept in _kept(session, row, (key,)):
        if _was_meant_by(row, columns, kept, sources.get(row.source).mapping):
            kept.state, kept.duplicate_of = "duplicate", row.receipt
    held_back.settle_by(session, row)


def _parked(row: OrderRow, reading: NotUnderstood, now: datetime, source: Source) -> dict[str, Any]:
    columns = what_was_read(reading, now, source=source, fields=copies.fields_of(row.fields))
    return columns | {"content_digest": row.fields_digest}


def _beside_others(
    session: Session, row: OrderRow, key: str, columns: dict[str, Any], source: Source, *, as_paid: bool
) -> dict[str, Any]:
    """Return the columns that make it a copy, a change, or something else under the same key."""
    own = own_key(key, columns["content_digest"])
    kept = {one.key: one for one in _kept(session, row, (key, own))}
    first = kept.get(key)
    is_change = first and source.orders_can_change and not as_paid and copies.changes(columns, first)
    if is_change:
        columns = copies.as_change(columns)
    if is_change and row.decided == UPDATED:  # it stays one, also where it says again what an older row says
        return {"decided": UPDATED, "order": columns["order"], "duplicate_of": None, "key": row.key, "same_id_as": None}
    same = next((one for one in kept.values() if copies.is_same(columns, one)), None)
    stands_for = same and (same.duplicate_of or same.receipt)
    if stands_for and stands_for != row.receipt:
        # Its own digest stays: what comes again in the same words is a copy of it.
        kept_back = {"same_id_as": None, "content_digest": row.content_digest}
        return {**jobs.NO_RUN, "state": "duplicate", "duplicate_of": stands_for, **kept_back}
    shares_id = first and columns["decided"] not in LATER and not _was_meant_by(row, columns, first, source.mapping)
    return {
        "decided": columns["decided"],
        "order": columns["order"],
        "duplicate_of": None,
        "key": next((free for free in (key, own) if free not in kept), row.key),
        "same_id_as": _id_of_first(first) if first and shares_id else None,
    }


def _was_meant_by(row: OrderRow, columns: dict[str, Any], kept: OrderRow, mapping: Mapping | None) -> bool:
    """Return whether an order is what a parked or dismissed one was meant to be, as today's mapping reads it."""
    said = read(copies.fields_of(kept.fields), mapping, kept.received_at)
    if isinstance(said, Understood):
        is_same = content_digest(said.order, said.decided) == columns["content_digest"]
        return is_same and kept.order is None and kept.state in {"parked", "ignored"}
    as_read = copies.Kept(
        id=kept.id,
        state=kept.state,
        test=said.test,
        decided=said.decided if kept.state == "parked" else kept.decided,
        order_id=said.order_id or kept.order_id,
        total=kept.total,
        content_digest=kept.content_digest,
        duplicate_of=kept.duplicate_of,
        fields=kept.fields,
    )
    return copies.corrects(columns | {"fields": row.fields}, as_read)


def _id_of_first(kept: OrderRow) -> int:
    return pk_of(kept.duplicate_of) if kept.duplicate_of else kept.id


def _kept(session: Session, row: OrderRow, keys: tuple[str, ...]) -> list[OrderRow]:
    others = select(OrderRow).where(OrderRow.source == row.source, OrderRow.key.in_(keys), OrderRow.id != row.id)
    return list(session.scalars(others))
