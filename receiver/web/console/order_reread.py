"""Orders: read an order that has run with today's mapping, after a look at what changes."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from receiver.dispatch import second_reading
from receiver.storage import order_queries
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console


@console.get("/orders/<receipt>/reread")
def orders_reread(receipt: str) -> str:
    """Show what today's mapping changes, and which handlers run for that."""
    kit.sources.look_again()
    with kit.database.read() as session:
        row = order_queries.find(session, receipt)
        seen = second_reading.look(session, receipt, kit.sources, kit.registry)
    return render_template("console/order_reread.html", row=row, seen=seen)


@console.post("/orders/<receipt>/reread")
def orders_reread_saved(receipt: str) -> ResponseReturnValue:
    """Save what was shown; if it would be something else by now, show that instead."""
    kit.sources.look_again()
    with kit.database.write() as session:
        seen = second_reading.look(session, receipt, kit.sources, kit.registry)
        is_as_shown = seen.mark == request.form.get("mark")
        if is_as_shown:
            second_reading.save(session, seen, kit.registry, request.form.getlist("handler"))
    if not is_as_shown:
        said = "The mapping has changed since this page was opened, so nothing was saved. See below what changes now."
        return next_page("console.orders_reread", said, "wait", receipt=receipt)
    kit.engine.hint("orders")
    return next_page("console.orders_show", "Saved as today's mapping reads it.", receipt=receipt)
