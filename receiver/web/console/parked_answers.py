"""Received → Parked: one answer for all orders that ask the same, given once for their source."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from receiver.intake import parked as parked_orders
from receiver.intake import parked_groups
from receiver.intake.parked_groups import Group
from receiver.sources import answers
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console import parked_runs
from receiver.web.console.blueprint import console

#: What can be answered about a word of a state, and about what may be no order.
_OF_WORDS, _NO_ORDERS = ("paid", "unpaid"), "no orders"
_SETTLED = "No parked order asks this any more, so nothing was changed."


@console.get("/parked/answer")
def parked_answer() -> ResponseReturnValue:
    """Show how many orders an answer settles, how old they are, and which handlers they'd run through."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        group = _group(session, request.args.get("source", ""), request.args.get("question", ""))
    if group is None:
        return next_page("console.parked", _SETTLED)
    names = [handler.name for handler in kit.registry.handlers]
    return render_template(
        "console/parked_answer.html",
        group=group,
        means=_meaning(group, request.args.get("means", "")),
        age=group.seen.age(now),
        names=names,
        left_out=parked_orders.better_left_out(group.seen, names, now),
    )


@console.post("/parked/answer")
def parked_answered() -> ResponseReturnValue:
    """Save an answer, and run the orders that ask for it for a moment, oldest first."""
    source, question, means = (request.form.get(name, "") for name in ("source", "question", "means"))
    with kit.database.write() as session:
        group = _group(session, source, question)
        if group is not None:
            _save(session, group, _meaning(group, means))
    if group is None and "after" not in request.form:
        return next_page("console.parked", _SETTLED)
    kit.sources.look_again()
    if "after" not in request.form:
        flash(f"Saved for every order of {source}.")
    asking = parked_groups.asking(source, question)
    return parked_runs.run_for_a_moment(asking, source=source, question=question, means=means)


@console.post("/parked/ask-again")
def parked_ask_again() -> ResponseReturnValue:
    """Take an answer back; what was settled by it stays as it is."""
    source, word, question = (request.form.get(name, "") for name in ("source", "word", "question"))
    with kit.database.write() as session:
        if question:
            answers.forget_no_orders(session, source, question)
        else:
            answers.forget_state(session, source, word)
    kit.sources.look_again()
    return next_page("console.parked", "Taken back. Orders that arrive from now on are parked again if they ask this.")


def _group(session: Session, source: str, question: str) -> Group | None:
    kit.sources.look_again()
    if kit.sources.find(source) is None:
        abort(404, "There's no such source, so nothing was saved. Reload Parked.")
    return parked_groups.find(session, source, question)


def _meaning(group: Group, means: str) -> str:
    """Return an answer that the group's question has; anything else ends the request."""
    if means not in (_OF_WORDS if group.word is not None else [_NO_ORDERS] if group.may_be_no_orders else ()):
        abort(400, "That's no answer to this question, so nothing was saved. Reload Parked.")
    return means


def _save(session: Session, group: Group, means: str) -> None:
    now = datetime.now(UTC)
    if group.word is None:
        answers.save_no_orders(session, group.source, group.question, receipt=group.receipt, now=now)
    else:
        answers.save_state(session, group.source, group.word, is_paid=means == "paid", now=now)
