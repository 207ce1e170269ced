"""What the console's templates use: the menu, and filters for times, amounts, states and commands."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from flask import Flask, request, url_for
from markupsafe import Markup, escape

from receiver.app.components import Kit
from receiver.mail import formatting, postal_addresses
from receiver.settings.installation import COMMAND
from receiver.web.console.menu import MENU, is_current
from receiver.web.help.pages import pages

#: The console is written in English.
LOCALE = formatting.ENGLISH

#: Tone, which is a colour, -> the states shown in it; other states are plain. The word itself is always shown too.
_STATES = {
    "good": ("done", "sent", "delivered", "tested", "active", "connected"),
    "busy": ("open", "pending", "retrying"),
    "wait": ("parked", "test", "same id", "held", "to do", "waiting"),
    "bad": ("failed", "switched off", "unreadable", "refuses all"),
}
#: How a moment is written whole.
_WHOLE = "d MMM y, HH:mm"
#: How old a moment of the last week is, in the largest unit that it has one of.
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
_WEEK = 7 * 86_400
_TONES = {state: tone for tone, states in _STATES.items() for state in states}


def init_app(app: Flask, kit: Kit) -> None:
    """Add to the templates their filters, and what every page of the console shows."""
    zone = ZoneInfo(kit.settings.TIMEZONE)
    app.add_template_filter(lambda when: _time(when, zone), "when")
    app.add_template_filter(lambda when: _short_time(when, zone), "when_in_short")
    app.add_template_filter(money, "amount")
    app.add_template_filter(lambda place: postal_addresses.lines(place, LOCALE), "postal")
    app.add_template_filter(marked, "marked")
    app.add_template_filter(typed, "typed")
    app.add_template_filter(json.loads, "from_json")
    app.add_template_filter(lambda state: _TONES.get(state, "plain"), "tone")
    app.add_template_test(is_current, "current")
    public_url = kit.settings.PUBLIC_URL.rstrip("/")
    on_every_page = {"menu": MENU, "shop_name": kit.settings.SHOP_NAME, "public_url": public_url}
    app.context_processor(lambda: on_every_page if request.path.startswith("/admin") else {})


def marked(text: str) -> Markup:
    """Write text between backticks as code and between pairs of stars as strong, and link “{title}” in Help."""
    code = re.sub(r"`{1,2}([^`]+)`{1,2}", r"<code>\1</code>", str(escape(text)))
    code = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", code)
    return Markup(re.sub(r"“([^”]+)” in Help", _link_to_help, code))  # noqa: S704 - escaped before


def _link_to_help(found: re.Match[str]) -> str:
    title = html.unescape(found[1])
    name = next((page.name for page in pages().values() if page.title == title), None)
    return f'<a href="{url_for("console.help_page", name=name)}">{found[0]}</a>' if name else found[0]


def typed(command: str) -> str:
    """Return a flask command as it's typed in a terminal here."""
    return f"{COMMAND} {command.removeprefix('flask ')}"


def money(amount: str | Decimal | None, currency: str | None, locale: Locale = LOCALE) -> str:
    """Write an amount with its currency; a text that isn't a number stays as it is."""
    if amount is None or amount == "":
        return ""
    try:
        return formatting.money(Decimal(amount), currency, locale)
    except InvalidOperation:
        return f"{amount} {currency or ''}".strip()


def age(when: datetime, now: datetime) -> str:
    """Return how long ago, or in how long, an aware moment is."""
    if abs(now - when) < timedelta(seconds=5):
        return "now"
    return str(format_timedelta(when - now, add_direction=True, locale=LOCALE, threshold=1.2))


def _short_time(when: datetime, zone: ZoneInfo) -> str:
    """Write how long ago a moment of the last week was, or else its day; the whole of it shows on hover."""
    seconds = int((datetime.now(UTC) - when).total_seconds())
    there = when.astimezone(zone)
    if abs(seconds) < _WEEK:
        said = next((f"{seconds // size} {unit}" for size, unit in _UNITS if seconds >= size), "now")
    else:
        pattern = "d MMM" if there.year == datetime.now(zone).year else "d MMM y"
        said = format_datetime(there, pattern, locale=LOCALE)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        when.astimezone(UTC).isoformat(timespec="seconds"), format_datetime(there, _WHOLE, locale=LOCALE), said
    )


def _time(when: datetime | None, zone: ZoneInfo) -> str:
    """Write a moment in the shop's zone, with its age; UTC shows on hover."""
    if when is None:
        return ""
    utc = when.astimezone(UTC)
    try:
        there = when.astimezone(zone)
    except OverflowError:  # a sender may date an order on the last day of the year 9999
        there = utc
    local = format_datetime(there, _WHOLE, locale=LOCALE)
    return Markup('<time datetime="{}" title="{}">{}</time> <span class="age">{}</span>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M:%S} UTC", local, age(when, datetime.now(UTC))
    )
