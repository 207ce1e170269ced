"""What every page of the console shows alike: the menu, times, amounts, the words for a state."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from flask import Flask, request, url_for
from markupsafe import Markup, escape

from receiver.app.components import Kit
from receiver.mail import formatting
from receiver.settings.installation import COMMAND
from receiver.web.console.menu import MENU, Entry, Group
from receiver.web.help.pages import titles

#: The console is written in English.
LOCALE = Locale("en", "GB")

#: How a state is coloured; the word itself always stands there too.
TONES = {
    "done": "good",
    "sent": "good",
    "delivered": "good",
    "tested": "good",
    "active": "good",
    "open": "busy",
    "pending": "busy",
    "retrying": "busy",
    "parked": "wait",
    "test": "wait",
    "same id": "wait",
    "held": "wait",
    "to do": "wait",
    "failed": "bad",
    "switched off": "bad",
    "unreadable": "bad",
}


def init_app(app: Flask, kit: Kit) -> None:
    """Return the console's templates their filters and what stands on every page."""
    zone = ZoneInfo(kit.settings.TIMEZONE)
    app.add_template_filter(lambda when: _time(when, zone), "when")
    app.add_template_filter(money, "amount")
    app.add_template_filter(marked, "marked")
    app.add_template_filter(typed, "typed")
    app.add_template_filter(lambda state: TONES.get(state, "plain"), "tone")
    app.context_processor(lambda: _on_every_page(kit) if request.path.startswith("/admin") else {})


def marked(text: str) -> Markup:
    """Write what's between backticks as code, and make a link of what names a page of Help."""
    code = re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"“([^”]+)” in Help", _link_to_help, code))  # noqa: S704 - escaped before


def _link_to_help(found: re.Match[str]) -> str:
    name = titles().get(html.unescape(found[1]))
    return f'<a href="{url_for("console.help_page", name=name)}">{found[0]}</a>' if name else found[0]


def typed(command: str) -> str:
    """Return a flask command as it's typed in a terminal here."""
    return f"{COMMAND} {command.removeprefix('flask ')}"


def money(amount: str | Decimal | None, currency: str | None, locale: Locale = LOCALE) -> str:
    """Write an amount with its currency; a text that is no number stays as it is."""
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


def _time(when: datetime | None, zone: ZoneInfo) -> str:
    """Write a moment in the shop's zone, with its age; UTC shows on hover."""
    if when is None:
        return ""
    utc = when.astimezone(UTC)
    try:
        there = when.astimezone(zone)
    except OverflowError:  # a sender may date an order on the last day of the year 9999
        there = utc
    local = format_datetime(there, "d MMM y, HH:mm", locale=LOCALE)
    return Markup('<time datetime="{}" title="{}">{}</time> <span class="age">{}</span>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M:%S} UTC", local, age(when, datetime.now(UTC))
    )


def _on_every_page(kit: Kit) -> dict[str, Any]:
    return {"menu": MENU, "is_group": _is_group, "is_current": _is_current, "shop_name": kit.settings.SHOP_NAME}


def _is_group(item: Entry | Group) -> bool:
    return isinstance(item, Group)


def _is_current(item: Entry | Group) -> bool:
    """Return whether the page shown is this one, one below it, or one of the group's."""
    if isinstance(item, Group):
        return any(_is_current(entry) for entry in item.entries)
    wanted = item.endpoint
    here = request.endpoint or ""
    return here == wanted or here.startswith(f"{wanted}_")
