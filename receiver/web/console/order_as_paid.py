"""Orders: run an ignored order as paid, after a look."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from receiver.dispatch.replay import Replay
from receiver.orders.states import COMPLETED_EVENT
from receiver.storage import order_queries
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console


@console.get("/orders/<receipt>/as-paid")
def orders_as_paid(receipt: str) -> str:
    """Ask before an ignored order runs as paid."""
    with kit.database.read() as session:
        row = order_queries.find(session, receipt)
        names = [handler.name for handler in kit.registry.on(COMPLETED_EVENT)]
        return render_template("console/order_as_paid.html", row=row, names=names)


@console.post("/orders/<receipt>/as-paid")
def orders_run_as_paid(receipt: str) -> ResponseReturnValue:
    """Run an ignored order as paid."""
    with kit.database.write() as session:
        again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, as_paid=True)
        done = again.one(session, receipt)
    kit.engine.hint("orders")
    said = "Its handlers are running now." if done.state == "open" else f"It was read again and is {done.became}."
    return next_page("console.orders_show", said, receipt=receipt)
