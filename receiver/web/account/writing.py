"""How the account pages write an order: its number as the shopper knows it, amounts and dates as its locale does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup

from receiver.app.components import current_kit
from receiver.mail import formatting
from receiver.storage.models import CustomerRow, OrderRow
from receiver.web.account.blueprint import account


def content_of(row: OrderRow) -> dict[str, Any]:
    """Return an order's fields; none once what was ordered is no longer kept."""
    content: dict[str, Any] = json.loads(row.order) if row.order else {}
    return content


def number_of(row: OrderRow) -> str:
    """Return the number by which the shopper knows the order."""
    return str(content_of(row).get("order_number") or row.order_id or row.receipt)


def locale_of(row: OrderRow, customer: CustomerRow) -> Locale:
    """Return the order's locale; the customer's where it names none or is kept no more, else DEFAULT_LOCALE."""
    tag = content_of(row).get("locale") or customer.locale
    return formatting.known_locale(tag, current_kit().settings.DEFAULT_LOCALE)


@account.app_template_filter("day")
def day(when: datetime, locale: Locale) -> Markup:
    """Write the day of an aware moment in the shop's time zone, marked with its language for whoever reads aloud."""
    written = formatting.date(when, locale, ZoneInfo(current_kit().settings.TIMEZONE))
    utc = when.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" lang="{}">{}</time>').format(utc, str(locale).replace("_", "-"), written)
