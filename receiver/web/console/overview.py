"""The first page: what is left to set up, what came in, what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import render_template, url_for

from receiver.app import statistics
from receiver.app.components import Kit, current_kit
from receiver.web.console import checklist
from receiver.web.console.blueprint import console
from receiver.web.console.charts import Chart, bar_chart
from receiver.web.console.presentation import LOCALE

#: Kind of trouble -> the page, with its filter, where it is seen and mended; the relay's are the Order Manager's.
_PLACES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "order_parked": ("console.parked", "Parked orders", {}),
    "order_held_back": ("console.parked", "Parked orders", {}),
    "handler_failed": ("console.orders", "Failed orders", {"state": "failed"}),
    "registration_failed": ("console.customers", "Customers", {}),
    "mail_failed": ("console.mail", "Failed emails", {"state": "failed"}),
    "same_id": ("console.orders", "Orders with the same id", {"same_id": "yes"}),
    "wrong_secret": ("console.refused", "Refused", {}),
    "card_data": ("console.refused", "Refused", {}),
    "card_data_dropped": ("console.orders", "Orders", {}),
    "quiet_hours": ("console.orders", "Orders", {}),
    "order_gap": ("console.orders", "Orders", {}),
    "clock_jumped": ("console.settings", "Settings: RETENTION_DAYS", {}),
    "mail_template": ("console.mail", "Emails", {}),
    "transmission_given_up": ("console.order_manager", "Failed transmissions", {"state": "failed"}),
}
_OF_THE_RELAY: tuple[str, str, dict[str, Any]] = (
    "console.order_manager",
    "Order Manager",
    {"open": "controls"},
)
#: A job that is due for longer than this finds nobody to do it.
_LATE = timedelta(minutes=5)


@console.get("/")
def overview() -> str:
    """Show how the receiver is doing."""
    kit = current_kit()
    found = checklist.findings(kit)
    steps = checklist.steps(kit, found)
    if checklist.is_complete(steps):
        steps = []
    said = {step.text for step in steps}
    wrong = [one.text for one in found if one.state == "wrong" and one.text not in said]
    return render_template("console/overview.html", steps=steps, wrong=wrong, **_lately(kit))


@console.get("/figures")
def overview_figures() -> str:
    """Show what is counted anew, for a page that stands open."""
    return render_template("console/overview_figures.html", **_lately(current_kit()))


def _lately(kit: Kit) -> dict[str, Any]:
    now, zone = datetime.now(UTC), ZoneInfo(kit.settings.TIMEZONE)
    with kit.database.read() as session:
        day, week = statistics.lately(session, now, zone)
        waiting = statistics.longest_due(session, now)
        troubles = [(trouble, *_place(trouble.kind)) for trouble in kit.notices.standing(session, now)]
    return {
        "periods": [
            ("Last 24 hours", day, _chart("hour", day, "HH:mm")),
            ("Last 7 days", week, _chart("day", week, "EEE d MMM")),
        ],
        "troubles": troubles,
        "waiting": waiting,
        "is_late": waiting is not None and now - waiting.since > _LATE,
    }


def _place(kind: str) -> tuple[str, str]:
    """Return the address and the name of the page where a kind of trouble is mended."""
    endpoint, name, filters = _PLACES.get(kind, _OF_THE_RELAY)
    return url_for(endpoint, **filters), name


def _chart(unit: str, counted: statistics.Figures, pattern: str) -> Chart:
    labels = [format_datetime(start, pattern, tzinfo=start.tzinfo, locale=LOCALE) for start in counted.starts]
    highest = max(counted.orders)
    title = f"Orders received per {unit}: {counted.received} in total, peak {highest} in one {unit}."
    return bar_chart(unit, labels, counted.orders, title)
