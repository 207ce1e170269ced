"""How the account pages write an order's amounts and dates: as its own locale does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup

from receiver import formatting
from receiver.account.blueprint import account
from receiver.kit import current_kit
from receiver.models import CustomerRow, OrderRow


def locale_of(row: OrderRow, customer: CustomerRow) -> Locale:
    """Give the order's locale; the customer's where it names none or is kept no more, else DEFAULT_LOCALE."""
    tag = json.loads(row.order).get("locale") if row.order else None
    return formatting.known_locale(tag or customer.locale, current_kit().settings["DEFAULT_LOCALE"])


@account.app_template_filter("day")
def day(when: datetime, locale: Locale) -> Markup:
    """Write the day of an aware moment in the shop's time zone, marked with its language for whoever reads aloud."""
    written = formatting.date(when, locale, ZoneInfo(current_kit().settings["TIMEZONE"]))
    utc = when.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" lang="{}">{}</time>').format(utc, str(locale).replace("_", "-"), written)
