"""Customer → Order Manager: one transmission with all its attempts, and resending."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue
from wtforms import DateTimeLocalField, Form
from wtforms.validators import InputRequired, ValidationError

from receiver.relay import queries
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console.blueprint import console


class RangeForm(Form):  # type: ignore[misc]
    """The form for a period in the shop's time zone.

    It's read from the address too, so it has no CSRF token of its own; the guard checks that of every POST.
    """

    start = DateTimeLocalField("From", [InputRequired("Enter a start.")])
    end = DateTimeLocalField("To", [InputRequired("Enter an end.")])

    def validate_end(self, end: DateTimeLocalField) -> None:
        """Refuse a period that ends before it starts; WTForms calls this by its name."""
        if self.start.data and end.data and end.data <= self.start.data:
            raise ValidationError("The end must be after the start.")


@console.get("/order-manager/transmissions/<event_id>")
def order_manager_transmission(event_id: str) -> str:
    """Show one transmission with its attempts, newest first."""
    with kit.database.read() as reading:
        one = queries.find(reading, event_id)
        order = json.dumps(json.loads(one.order), indent=2, ensure_ascii=False)
        return render_template("console/transmission.html", one=one, order=order)


@console.post("/order-manager/transmissions/<event_id>/resend")
def order_manager_resend(event_id: str) -> ResponseReturnValue:
    """Send one transmission again."""
    with kit.database.write() as writing:
        one = queries.find(writing, event_id)
        sent = queries.resend(writing, [event_id], now=datetime.now(UTC))
    if sent:
        said = _said(f"Order {one.order_id} is", is_forwarded=bool(one.target))
    else:
        said = "Tests can't be resent. Press the test button to send a new one.", "bad"
    return next_page("console.order_manager_transmission", *said, event_id=event_id)


@console.route("/order-manager/resend-failed", methods=["GET", "POST"])
def order_manager_resend_failed() -> ResponseReturnValue:
    """Count what failed in a period, then send it again."""
    zone = ZoneInfo(kit.settings.TIMEZONE)
    now = datetime.now(zone).replace(tzinfo=None, second=0, microsecond=0)
    is_asked = "start" in request.values or "end" in request.values
    form = RangeForm(
        request.values if is_asked else None, start=now - timedelta(days=1), end=now + timedelta(minutes=1)
    )
    count = None
    if is_asked and form.validate():
        start, end = (when.replace(tzinfo=zone) for when in (form.start.data, form.end.data))
        if request.method == "POST":
            with kit.database.write() as writing:
                count = queries.resend_failed(writing, start, end, now=datetime.now(UTC))
            return next_page("console.order_manager", *_said(f"{count} order{' is' if count == 1 else 's are'}"))
        with kit.database.read() as reading:
            count = queries.failed_between(reading, start, end)
    page = render_template("console/resend_failed.html", form=form, zone=zone.key, count=count)
    return page, 422 if form.errors else 200


def _said(what: str, *, is_forwarded: bool = False) -> tuple[str, str]:
    """Return what becomes of resent orders, as a message and its tone; a worker sends them right away."""
    kit.engine.hint("transmissions")
    if is_forwarded or kit.controls.read().enabled:
        return f"{what} being sent again.", "message"
    return f"{what} held, because HTTP POST is off in Order Controls.", "wait"
