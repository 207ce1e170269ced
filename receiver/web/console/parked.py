"""Received → Parked: orders not understood yet, running them all, and whether chunked forms are accepted."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from receiver.dispatch.replay import Replay
from receiver.intake import held_back
from receiver.intake import parked as parked_orders
from receiver.sources import saved_options
from receiver.web import kit, paging
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console

#: Seconds that one request runs parked orders for; then a page follows that sends the next request.
_SECONDS = 2.0
_MOST_ERRORS = 3
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


@console.get("/parked")
def parked() -> str:
    """List the parked orders, newest first."""
    kit.sources.look_again()
    with kit.database.read() as session:
        rows, pages = paging.one_page(session, parked_orders.newest(paging.before()))
        seen = parked_orders.overview(session)
        counts = held_back.counts(session)
    return render_template(
        "console/parked.html",
        chunked=[
            (source, counts.get(source.name, 0))
            for source in kit.sources.known
            if source.name in counts or source.accepts_chunked_forms
        ],
        how_to_know_the_end=held_back.HOW_TO_KNOW_THE_END,
        rows=rows,
        most_errors=_MOST_ERRORS,
        seen=seen,
        pages=pages,
    )


@console.get("/parked/run")
def parked_run() -> str:
    """Show how many orders would run, how old they are, and which handlers they'd run through."""
    kit.sources.look_again()
    now = datetime.now(UTC)
    with kit.database.read() as session:
        seen = parked_orders.overview(session)
        foreseen = parked_orders.foresee(session, kit.sources)
    names = [handler.name for handler in kit.registry.handlers]
    return render_template(
        "console/parked_run.html",
        seen=seen,
        age=seen.age(now),
        foreseen=foreseen,
        names=names,
        left_out=parked_orders.better_left_out(seen, names, now),
    )


@console.post("/parked/run")
def parked_run_all() -> ResponseReturnValue:
    """Run parked orders for a moment, oldest first.

    While some are left, the answer is a page that sends the same form again by itself, with the counts so far.
    """
    kit.sources.look_again()
    chosen = request.form.getlist("handler")
    without = [handler.name for handler in kit.registry.handlers if handler.name not in chosen]
    counts = Counter({word: paging.whole_number(request.form, word) or 0 for word in _WORDS})
    with kit.database.read() as session:
        waiting = dict(parked_orders.receipts(session, paging.whole_number(request.form, "after") or 0))
    after, until = 0, time.monotonic() + _SECONDS
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, without=without)
    for pk, one in zip(waiting, again.each(kit.database, waiting.values()), strict=True):
        after = pk
        counts[one.state] += 1
        if time.monotonic() > until:
            break
    kit.engine.hint("orders")
    if left := sum(pk > after for pk in waiting):
        return render_template("console/parked_progress.html", counts=counts, after=after, left=left, chosen=chosen)
    became = ", ".join(f"{count} {_WORDS[word][count > 1]}" for word, count in counts.items() if count)
    message = f"{became}." if became else "No orders were parked."
    return next_page("console.parked", message, "bad" if counts["failed"] else "message")


@console.post("/parked/chunked-forms")
def chunked_forms() -> ResponseReturnValue:
    """Save whether the chunked forms of a source are accepted."""
    kit.sources.look_again()
    source = next((one for one in kit.sources.known if one.name == request.form.get("source")), None)
    if source is None:
        abort(404, "There's no such source, so nothing was saved. Reload Parked.")
    if source.chunked_forms_in_file is not None:
        abort(409, "This is set in config.toml, so nothing was saved. Change it there.")
    accepted = request.form.get("accept") == "yes"
    with kit.database.write() as session:
        saved_options.accept_chunked_forms(session, source.name, accepted=accepted, now=datetime.now(UTC))
    kit.sources.look_again()
    saved = f"Saved: chunked forms from {source.name} are"
    if not accepted:
        return next_page("console.parked", f"{saved} held back again.")
    return next_page("console.parked_run", f"{saved} accepted. You can run the parked ones now.")
