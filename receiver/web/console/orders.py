"""Orders: one with its handlers and emails, and running handlers again."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver.dispatch.replay import Replay, Replayed
from receiver.errors import ConfigurationError, NotThere, UnknownSource
from receiver.intake import second_orders
from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.held_back import HOW_TO_KNOW_THE_END
from receiver.orders import FieldError, Order
from receiver.storage import order_queries, same_id
from receiver.storage.models import OrderRow
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console import order_events
from receiver.web.console.blueprint import console

#: Letters of a body that couldn't be read.
_LONGEST_BODY = 20_000
#: What verified an order, in words.
_WAYS = {
    "signature": "its signature",
    "header": "the secret in the X-Shared-Secret header",
    "field": "the secret in one of its fields",
    "asked": "its shop, which was asked about it",
    IMPORTED: "nobody: it was imported, with its handlers off",
    IMPORTED_TO_RUN: "nobody: it was imported",
}


@console.get("/orders/<receipt>")
def orders_show(receipt: str) -> str:
    """Show one order."""
    with kit.database.read() as session:
        row = _found(session, receipt)
        order = Order.model_validate_json(row.order) if row.order else None
        return render_template(
            "console/order.html",
            **_progress(session, row),
            **order_events.values(session, row),
            order=order,
            unmapped=_unmapped(row, order) if order else {},
            way=_WAYS.get(row.proof, row.proof),
            body=_text_of_body(row),
            can_reread=row.state in {"done", "failed"} and not row.test and row.fields != "[]",
            duplicates=order_queries.duplicates(session, row),
            others=same_id.others(session, row),
            in_the_way=_in_the_way(session, row) if row.state == "parked" and row.may_be_cut else None,
            how_to_know_the_end=HOW_TO_KNOW_THE_END,
        )


@console.get("/orders/<receipt>/progress")
def orders_progress(receipt: str) -> str:
    """Show an order's handlers and emails: the part of its page that's fetched again while the page is open."""
    with kit.database.read() as session:
        return render_template("console/order_progress.html", **_progress(session, _found(session, receipt)))


@console.post("/orders/<receipt>/run")
def orders_run(receipt: str) -> ResponseReturnValue:
    """Run an order's unfinished handlers again, or one handler; a parked order is read again."""
    handler = request.form.get("handler") or None
    try:
        with kit.database.write() as session:
            _found(session, receipt)
            again = Replay(
                sources=kit.sources,
                registry=kit.registry,
                bodies=kit.bodies,
                handler=handler,
                accept_incomplete=request.form.get("accept") in {"incomplete", "second order"},
                second_order=request.form.get("accept") == "second order",
            )
            done = again.one(session, receipt)
    except ConfigurationError as error:
        return next_page("console.orders_show", str(error), "bad", receipt=receipt)
    kit.engine.hint("orders")
    tone = "wait" if done.state == "parked" else "message"
    return next_page("console.orders_show", _said(done, handler), tone, receipt=receipt)


def _found(session: Session, receipt: str) -> OrderRow:
    try:
        return order_queries.find(session, receipt)
    except NotThere:
        abort(404, f"No order has the receipt {receipt[:64]}. Search for it under Orders.")


def _text_of_body(row: OrderRow) -> str:
    """Return the text of a body that couldn't be read, cut; empty where there is none."""
    text = kit.bodies.text(row) or ""
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}…"


def _unmapped(row: OrderRow, order: Order) -> dict[str, Any]:
    """Return the fields that no rule of today reads; those of the items are in ``extra`` all the same."""
    try:
        mapping = kit.sources.get(row.source).mapping
    except UnknownSource:
        mapping = None
    return {name: value for name, value in order.extra.items() if mapping is None or not mapping.reads_of_items(name)}


def _in_the_way(session: Session, row: OrderRow) -> FieldError | None:
    try:
        return second_orders.in_the_way(session, row, kit.sources.get(row.source).mapping)
    except UnknownSource:
        return None


def _progress(session: Session, row: OrderRow) -> dict[str, Any]:
    """Return the values for the part of the page that changes while an order runs."""
    runs = row.order is not None and not row.test and row.state in {"open", "done", "failed"}
    return {
        "row": row,
        "handlers": list(row.handlers),
        "attempts": order_queries.attempts(session, row),
        "mails": list(row.mails),
        "can_run": {handler.name for handler in kit.registry.on(row.event)} if runs else set(),
        "later": _never_run(row) if runs else [],
        "is_off": row.proof == IMPORTED,
        "unfinished": runs and any(one.state not in {"done", "skipped"} for one in row.handlers),
    }


def _never_run(row: OrderRow) -> list[str]:
    """Return the names of the handlers that were added after an order ran, or that were off when it was imported."""
    known = {one.name for one in row.handlers}
    has_run = known or row.proof == IMPORTED
    return [handler.name for handler in kit.registry.on(row.event) if has_run and handler.name not in known]


def _said(done: Replayed, handler: str | None) -> str:
    if done.state == "open":
        return f"{handler} is running now." if handler else "The unfinished handlers are running now."
    if done.state == "unchanged":
        return "Nothing to do: all handlers are finished. You can run a single one again below."
    if done.state == "parked":
        is_held_back = "may be incomplete" in done.became
        return f"It's still {'held back' if is_held_back else 'not understood'}. See below what's wrong."
    return f"It was read again and is {done.became}."
