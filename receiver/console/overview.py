"""The first page: what is left to set up, what came in, what went wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import render_template

from receiver import figures
from receiver.console import checklist
from receiver.console.blueprint import console
from receiver.console.charts import Chart, bar_chart
from receiver.console.presentation import LOCALE
from receiver.kit import Kit, current_kit

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
    now, zone = datetime.now(UTC), ZoneInfo(kit.settings["TIMEZONE"])
    with kit.database.read() as session:
        day, week = figures.lately(session, now, zone)
        waiting = figures.longest_due(session, now)
        troubles = kit.notices.standing(session, now)
    return {
        "periods": [
            ("Last 24 hours", day, _chart("hour", day, "HH:mm")),
            ("Last 7 days", week, _chart("day", week, "EEE d MMM")),
        ],
        "troubles": troubles,
        "waiting": waiting,
        "is_late": waiting is not None and now - waiting.since > _LATE,
    }


def _chart(unit: str, counted: figures.Figures, pattern: str) -> Chart:
    labels = [format_datetime(start, pattern, tzinfo=start.tzinfo, locale=LOCALE) for start in counted.starts]
    highest = max(counted.orders)
    title = f"Orders received per {unit}: {counted.received} in all, at most {highest} in one {unit}."
    return bar_chart(unit, labels, counted.orders, title)
