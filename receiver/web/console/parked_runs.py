"""Running parked orders from the console, for a moment a request."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from receiver.dispatch.replay import Replay
from receiver.intake import parked as parked_orders
from receiver.web import kit, paging
from receiver.web.answers import next_page

#: Seconds that one request runs parked orders for; then a page follows that sends the next request.
_SECONDS = 2.0
#: What a parked order became -> the words for one order, and for several.
_WORDS = {
    "open": ("is running now", "are running now"),
    "duplicate": ("is a duplicate", "are duplicates"),
    "ignored": ("isn't a completed order", "aren't completed orders"),
    "done": ("was a test", "were tests"),
    "parked": ("is still parked", "are still parked"),
    "unchanged": ("has already run", "have already run"),
    "failed": ("couldn't be run", "couldn't be run"),
}


def run_for_a_moment(of: Iterable[ColumnElement[bool]] = (), **hidden: str) -> ResponseReturnValue:
    """Run parked orders as the form says, oldest first; ``of`` are conditions that choose among them.

    While some are left, the answer is a page that sends the same form again by itself, with the counts so far and
    the ``hidden`` values.
    """
    chosen = request.form.getlist("handler")
    without = [handler.name for handler in kit.registry.handlers if handler.name not in chosen]
    counts = Counter({word: paging.whole_number(request.form, word) or 0 for word in _WORDS})
    with kit.database.read() as session:
        waiting = dict(parked_orders.receipts(session, paging.whole_number(request.form, "after") or 0, of))
    after, until = 0, time.monotonic() + _SECONDS
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, without=without)
    for pk, one in zip(waiting, again.each(kit.database, waiting.values()), strict=True):
        after = pk
        counts[one.state] += 1
        if time.monotonic() > until:
            break
    kit.engine.hint("orders")
    if left := sum(pk > after for pk in waiting):
        return render_template(
            "console/parked_progress.html", counts=counts, after=after, left=left, chosen=chosen, hidden=hidden
        )
    became = ", ".join(f"{count} {_WORDS[word][count > 1]}" for word, count in counts.items() if count)
    message = f"{became}." if became else "No orders were parked."
    return next_page("console.parked", message, "bad" if counts["failed"] else "message")
