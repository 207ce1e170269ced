"""The first page: what's left to set up, what came in, what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import render_template
from flask.typing import ResponseReturnValue

from receiver.app import statistics
from receiver.app.doctor import diagnose
from receiver.mail.notices import Trouble
from receiver.storage import safekeeping
from receiver.web import kit
from receiver.web.answers import next_page
from receiver.web.console import set_up
from receiver.web.console.blueprint import console
from receiver.web.console.presentation import LOCALE

#: Kind of problem -> endpoint, name and filter of the page to fix it on; the relay's other kinds have theirs below.
_PLACES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "order_held_back": ("console.parked", "Parked orders", {}),
    "handler_failed": ("console.orders", "Failed orders", {"state": "failed"}),
    "registration_failed": ("console.customers", "Customers", {}),
    "mail_failed": ("console.mail", "Failed emails", {"state": "failed"}),
    "same_id": ("console.orders", "Orders with the same id", {"which": "same_id"}),
    "wrong_secret": ("console.refused", "Refused", {}),
    "card_data": ("console.refused", "Refused", {}),
    "card_data_dropped": ("console.orders", "Orders", {}),
    "quiet_hours": ("console.orders", "Orders", {}),
    "order_gap": ("console.orders", "Orders", {}),
    "parked_purge": ("console.parked", "Parked orders", {}),
    "clock_jumped": ("console.settings", "Settings: RETENTION_DAYS", {}),
    "mail_template": ("console.mail", "Emails", {}),
    "transmission_given_up": ("console.order_manager", "Failed transmissions", {"state": "failed"}),
}
#: What the page of an alert about one order is called.
_OF_AN_ORDER = {"order_changed": "The change", "order_cancelled_first": "The order"}
_OF_THE_RELAY: tuple[str, str, dict[str, Any]] = ("console.order_manager", "Order Manager", {"open": "controls"})
#: What else of the doctor's findings is shown: how old the backup is, and whether jobs are held.
_NOTES = ("backup", "jobs")
#: A job that's due for longer than this suggests that no worker runs.
_LATE = timedelta(minutes=5)
#: Of a chart, in its own units; the lowest bar can still be seen beside one that's a thousand times higher.
_WIDTH, _HEIGHT, _GAP, _LOWEST = 480, 96, 4, 3


class Bar(NamedTuple):
    """One bar of a chart, in the chart's own units, with its label and value."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


class Chart(NamedTuple):
    """A bar chart to draw as SVG."""

    title: str
    #: What one bar is: an hour or a day.
    unit: str
    highest: int
    bars: list[Bar]
    width: int = _WIDTH
    height: int = _HEIGHT


@console.get("/")
def overview() -> str:
    """Show how the receiver is doing."""
    found = list(diagnose(kit, quickly=True))
    steps = set_up.steps(found)
    if all(step.is_done or step.is_optional for step in steps):
        steps = []
    said = {step.text for step in steps}
    wrong = [one.text for one in found if one.state == "wrong" and one.text not in said]
    notes = {one.subject: one for one in found if one.subject in _NOTES}
    return render_template("console/overview.html", steps=steps, wrong=wrong, notes=notes, **_lately())


@console.post("/release-jobs")
def overview_release_jobs() -> ResponseReturnValue:
    """Let the jobs of a restored database run."""
    with kit.database.write() as session:
        safekeeping.release(session)
    return next_page("console.overview", "Handlers, emails, registrations and orders that are sent on run again.")


@console.get("/figures")
def overview_figures() -> str:
    """Show the part of the page that's fetched again while it stays open."""
    return render_template("console/overview_figures.html", **_lately())


def _lately() -> dict[str, Any]:
    now, zone = datetime.now(UTC), ZoneInfo(kit.settings.TIMEZONE)
    with kit.database.read() as session:
        day, week = statistics.lately(session, now, zone)
        waiting = statistics.longest_due(session, now)
        troubles = [(one, *_place(one)) for one in kit.notices.standing(session, now)]
    return {
        "periods": [
            ("Last 24 hours", day, _chart("hour", day, "HH:mm")),
            ("Last 7 days", week, _chart("day", week, "EEE d MMM")),
        ],
        "troubles": troubles,
        "waiting": waiting,
        "is_late": waiting is not None and now - waiting.since > _LATE and not kit.hold.said(),
    }


def _place(trouble: Trouble) -> tuple[str, str, dict[str, Any]]:
    """Return endpoint, name and filter of the page to fix a problem on."""
    if trouble.kind == "order_parked":
        return "console.parked", "Parked orders", {"group": trouble.about}
    if trouble.kind == "source_quiet":
        return "console.sources_show", f"Source {trouble.about}", {"name": trouble.about}
    if trouble.kind in _OF_AN_ORDER:
        return "console.orders_show", _OF_AN_ORDER[trouble.kind], {"receipt": trouble.path.removeprefix("orders/")}
    return _PLACES.get(trouble.kind, _OF_THE_RELAY)


def _chart(unit: str, counted: statistics.Figures, pattern: str) -> Chart:
    highest, step = max(counted.orders), _WIDTH / len(counted.orders)
    bars = []
    for number, (start, value) in enumerate(zip(counted.starts, counted.orders, strict=True)):
        height = max(_HEIGHT * value / highest, _LOWEST) if value else 0
        x, y = round(number * step + _GAP / 2, 1), round(_HEIGHT - height, 1)
        label = format_datetime(start, pattern, tzinfo=start.tzinfo, locale=LOCALE)
        bars.append(Bar(x, y, round(step - _GAP, 1), round(height, 1), label, value))
    title = f"Orders received per {unit}: {counted.received} in total, peak {highest} in one {unit}."
    return Chart(title, unit, highest, bars)
