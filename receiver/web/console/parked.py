"""Received → Parked: what is not understood yet, and running all of it once it is."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from receiver.app.components import current_kit
from receiver.dispatch.replay import replay_all
from receiver.intake import parked as parked_orders
from receiver.intake.held_back import HOW_TO_KNOW_THE_END
from receiver.web import paging
from receiver.web.console.blueprint import console
from receiver.web.console.chunked_forms import of_each_source

#: Seconds that one request runs parked orders for; the page then goes on with the next.
_SECONDS = 2.0
_MOST_ERRORS = 3
#: What a parked order became -> how it is told of one, and of several.
_TOLD = {
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
    current_kit().sources.look_again()
    with current_kit().database.read() as session:
        rows, pages = paging.one_page(session, parked_orders.newest(paging.before()))
        seen = parked_orders.overview(session)
        chunked = of_each_source(session, current_kit())
    return render_template(
        "console/parked.html",
        chunked=chunked,
        how_to_know_the_end=HOW_TO_KNOW_THE_END,
        rows=rows,
        errors={row.id: json.loads(row.errors or "[]") for row in rows},
        most_errors=_MOST_ERRORS,
        seen=seen,
        pages=pages,
        public_url=current_kit().settings.PUBLIC_URL.rstrip("/"),
    )


@console.get("/parked/run")
def parked_run() -> str:
    """Show how many would be run, how old they are and which handlers would run, before anything is."""
    kit = current_kit()
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
    """Run parked orders for a moment, oldest first; the page that answers goes on where this ended."""
    kit = current_kit()
    kit.sources.look_again()
    chosen = request.form.getlist("handler")
    without = [handler.name for handler in kit.registry.handlers if handler.name not in chosen]
    counts = Counter({word: paging.whole_number(request.form, word) or 0 for word in _TOLD})
    with kit.database.read() as session:
        waiting = dict(parked_orders.receipts(session, paging.whole_number(request.form, "after") or 0))
    ids, until = iter(waiting), time.monotonic() + _SECONDS
    after = 0
    run = replay_all(kit.database, waiting.values(), sources=kit.sources, registry=kit.registry, without=without)
    for one in run:
        after = next(ids)
        counts[one.state] += 1
        if time.monotonic() > until:
            break
    kit.engine.hint("orders")
    left = len(list(ids))
    if left:
        return render_template("console/parked_progress.html", counts=counts, after=after, left=left, chosen=chosen)
    told = [f"{count} {_TOLD[word][count > 1]}" for word, count in counts.items() if count]
    flash(f"{', '.join(told)}." if told else "No orders were parked.", "bad" if counts["failed"] else "message")
    return redirect(url_for("console.parked"), 303)
