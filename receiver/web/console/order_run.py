"""Orders: ask before an order's unfinished handlers run again, for a link in an email."""

from __future__ import annotations

from flask import render_template

from receiver.storage import order_queries
from receiver.web import kit
from receiver.web.console.blueprint import console


@console.get("/orders/<receipt>/run")
def orders_run_ask(receipt: str) -> str:
    """Ask before the unfinished handlers run again. It changes nothing: mail scanners open links."""
    with kit.database.read() as session:
        row = order_queries.find(session, receipt)
        can_run = row.order is not None and not row.test and row.state in {"open", "done", "failed"}
        unfinished = [one for one in row.handlers if can_run and one.state not in {"done", "skipped"}]
        return render_template("console/order_run.html", row=row, can_run=can_run, unfinished=unfinished)
