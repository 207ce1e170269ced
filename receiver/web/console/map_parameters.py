"""Received → Parked → Map parameters: which received names fill our fields, tried on one order, then saved."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from receiver.intake.explanation import Reading, explain_fields
from receiver.orders import Fields
from receiver.orders.date_forms import DATE_FORMS
from receiver.sources import answers, saved_options
from receiver.sources.source import Source
from receiver.storage import order_queries
from receiver.storage.models import OrderRow
from receiver.web import kit
from receiver.web.console.blueprint import console
from receiver.web.console.mapping_form import GROUPS, Row, choices, fill_in, rows, typeable

#: A moment to show each form of a date with; its day can't be taken for a month.
_EXAMPLE = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
_MOST_ERRORS = 3
#: Fields that say whether an order is paid.
_DECIDING = {"event", "order_status", "payment_status"}


@console.route("/parked/<receipt>/map", methods=["GET", "POST"])
def parked_map(receipt: str) -> ResponseReturnValue:
    """Show what was received beside our fields; try a mapping on it, or save it for every order of its source."""
    with kit.database.read() as session:
        row = order_queries.find(session, receipt)
    if row.body is not None:
        abort(409, f"The body of {receipt} couldn't be decoded, so there are no parameters to map yet.")
    kit.sources.look_again()
    source = kit.sources.get(row.source)
    fields = [(name, value) for name, value in json.loads(row.fields)]
    today = explain_fields(fields, source.mapping, row.received_at)
    if request.method != "POST":
        made = rows(source.from_file, source.saved, today.explanation.suggestions)
        return _page(row, source, fields, made, today)
    if row.state not in {"parked", "done", "failed"} or not fields:
        abort(409, f"{receipt} isn't parked any more, so nothing was saved. Choose an order that is.")
    if not any(":" in name for name in request.form):
        abort(400, "The form was empty, so nothing was saved. Reload Map parameters.")
    made = rows(source.from_file, source.saved)
    rules = fill_in(made, request.form)
    if any(one.error for one in made.values()):
        return _page(row, source, fields, made, today), 422
    only_paid = request.form.get("only_paid") == "yes"
    chosen = source.with_answers(source.answers._replace(only_paid=only_paid)).with_rules(rules)
    tried = explain_fields(fields, chosen.mapping, row.received_at)
    if request.form.get("do") != "save":
        return _page(row, chosen, fields, made, tried, was_tried=True)
    if not (chosen.says_what_is_paid or _DECIDING & _read(tried)):
        return _page(row, chosen, fields, made, tried, asks=True), 422
    _save(source, made, rules, only_paid=only_paid)
    mapped = "1 field is" if len(rules) == 1 else f"{len(rules)} fields are"
    flash(f"Saved: {mapped} mapped. This applies to every new order.")
    if not tried.decided:
        flash(f"{receipt} still isn't understood: {_still_wrong(tried)}", "wait")
    if row.state != "parked":
        return redirect(url_for("console.orders_reread", receipt=receipt), 303)
    return redirect(url_for("console.parked_run"), 303)


def _read(reading: Reading) -> set[str]:
    """Return the fields that an order has by a mapping."""
    return {one.field for one in reading.explanation.rows if one.value}


def _still_wrong(reading: Reading) -> str:
    """Name the first errors, in short: a message is kept in a cookie, which browsers limit to 4 KB."""
    said = [f"{error['field'][:60]} {error['message'][:120]}" for error in reading.errors[:_MOST_ERRORS]]
    more = len(reading.errors) - len(said)
    return "; ".join(said) + (f"; and {more} more." if more else ".")


def _save(source: Source, made: dict[str, Row], rules: dict[str, Any], *, only_paid: bool) -> None:
    emptied = [field for field, one in made.items() if not one.from_file and field not in rules]
    with kit.database.write() as session:
        saved_options.save_rules(session, source.name, rules, datetime.now(UTC))
        saved_options.remove_rules(session, source.name, emptied)
        if only_paid != source.answers.only_paid:
            answers.save_only_paid(session, source.name, is_so=only_paid, now=datetime.now(UTC))
    kit.sources.look_again()


def _page(
    row: OrderRow,
    source: Source,
    fields: Fields,
    made: dict[str, Row],
    reading: Reading,
    *,
    was_tried: bool = False,
    asks: bool = False,
) -> str:
    return render_template(
        "console/parked_map.html",
        row=row,
        source=source,
        fields=fields,
        groups=_grouped(made),
        choices=choices(fields, of_items=False),
        item_choices=choices(fields, of_items=True),
        names=typeable(fields, of_items=False),
        item_names=typeable(fields, of_items=True),
        date_forms=[(form, _EXAMPLE.strftime(form)) for form in DATE_FORMS],
        reading=reading,
        fed=[one for one in reading.explanation.rows if one.parameters or one.value],
        values={one.field: one.value for one in reading.explanation.rows if one.value},
        was_tried=was_tried,
        asks=asks,
        wrong=[one for one in made.values() if one.error],
    )


def _grouped(made: dict[str, Row]) -> list[tuple[str, list[Row], list[Row]]]:
    """Return each group's label with its rows: those shown at once, and those folded away."""
    groups: dict[str, tuple[str, list[Row], list[Row]]] = {part: (label, [], []) for part, label, _ in GROUPS}
    for row in made.values():
        _, shown, folded = groups[row.part]
        (folded if row.is_folded else shown).append(row)
    return [group for group in groups.values() if group[1] or group[2]]
