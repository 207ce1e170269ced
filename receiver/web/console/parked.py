"""Received → Parked: orders not understood yet, what they ask, and whether chunked forms are accepted."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from receiver.intake import held_back, parked_groups
from receiver.intake import parked as parked_orders
from receiver.sources import saved_options
from receiver.sources.answers import NONE
from receiver.storage.models import OrderRow
from receiver.web import kit, paging
from receiver.web.answers import next_page
from receiver.web.console import parked_runs
from receiver.web.console.blueprint import console

_MOST_ERRORS = 3
#: Of the questions that parked orders ask, those with the newest orders.
_MOST_QUESTIONS = 50


@console.get("/parked")
def parked() -> str:
    """List the parked orders, newest first: all, those that ask one question, or those of a source."""
    kit.sources.look_again()
    wanted, source = request.args.get("group", ""), request.args.get("source", "")
    with kit.database.read() as session:
        group = parked_groups.by_anchor(session, wanted) if wanted else None
        of_source = (OrderRow.source == source,) if source else ()
        asking = parked_groups.asking(group.source, group.question) if group else of_source
        found = parked_orders.newest(paging.before(), of=asking)
        rows, pages = paging.one_page(session, found, group=group.anchor if group else "", source=source)
        seen = parked_orders.overview(session)
        counts = held_back.counts(session)
        groups = [group] if group else parked_groups.all_groups(session, _MOST_QUESTIONS, source=source)
    return render_template(
        "console/parked.html",
        chunked=[
            (source, counts.get(source.name, 0))
            for source in kit.sources.known
            if source.name in counts or source.accepts_chunked_forms
        ],
        how_to_know_the_end=held_back.HOW_TO_KNOW_THE_END,
        groups=groups,
        anchor_of=parked_groups.anchor_of,
        group=group,
        of_source="" if group else source,
        is_one=group is not None,
        is_settled=bool(wanted) and group is None,
        most_questions=_MOST_QUESTIONS,
        answered=[source for source in kit.sources.known if source.answers != NONE],
        unsaid=[source for source in kit.sources.known if not source.says_what_is_paid],
        now=datetime.now(UTC),
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
    """Run parked orders for a moment, oldest first."""
    kit.sources.look_again()
    return parked_runs.run_for_a_moment()


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
