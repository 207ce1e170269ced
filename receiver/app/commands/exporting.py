"""flask orders export: the orders of a list, as a CSV file."""

from __future__ import annotations

import os
import re
import sys
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import click

from receiver.app import order_export
from receiver.app.commands.working import working_kit
from receiver.mail.spreadsheet import BOM
from receiver.storage import order_queries
from receiver.storage.order_filters import OrderFilter, of_days

_DAY = click.DateTime(["%Y-%m-%d"])


def _amount(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", text, re.ASCII):
        raise ValueError(text)
    return Decimal(text)


@click.command("export")
@click.argument("file", metavar="FILE|-")
@click.option("--search", default="", help="Only orders that hold all these words, tests too.")
@click.option("--state", type=click.Choice(order_queries.STATES), default=None, help="Only orders in this state.")
@click.option("--source", default="", help="Only orders of this source.")
@click.option("--from", "first", type=_DAY, help="Only orders that came on this day or later.")
@click.option("--to", "last", type=_DAY, help="Only orders that came on this day or earlier.")
@click.option("--min", "least", type=_amount, metavar="AMOUNT", help="Only orders of this total or more.")
@click.option("--max", "most", type=_amount, metavar="AMOUNT", help="Only orders of this total or less.")
def export_orders(
    file: str,
    search: str,
    state: str | None,
    source: str,
    first: datetime | None,
    last: datetime | None,
    least: Decimal | None,
    most: Decimal | None,
) -> None:
    """Write the orders that the console lists with these filters into a CSV FILE, which only you can read.

    ``-`` is standard output. Days are those of TIMEZONE.
    """
    kit = working_kit()
    zone = ZoneInfo(kit.settings.TIMEZONE)
    days = of_days(first and first.date(), last and last.date(), zone)
    wanted = OrderFilter(search, state or "", source=source, least=least, most=most, **days)
    try:
        with nullcontext(sys.stdout.buffer) if file == "-" else open(file, "wb", opener=_private) as out:
            if file != "-":
                out.write(BOM)
            for part in order_export.written(kit.database, wanted, zone):
                out.write(part)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}.") from error


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
