"""Orders: the list, searched and filtered, with what it comes to."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

from flask import Response, render_template, request, url_for
from sqlalchemy import select

from receiver.app import order_export
from receiver.mail.spreadsheet import BOM
from receiver.storage import order_lines, order_queries, same_id
from receiver.storage.models import OrderRow
from receiver.storage.order_filters import WHICH, OrderFilter, of_days
from receiver.storage.pages import SIZE
from receiver.web import kit, paging
from receiver.web.console.blueprint import console

LONGEST_SEARCH = 320
#: The filters that aren't typed words, by their names in the address.
_FILTERS = ("state", "which", "source", "from", "to", "min", "max")
_WHICH = {"": "Real"} | dict(zip(WHICH, ("Tests", "Same id", "Refunds, changes"), strict=True))
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)
#: In which order a line counts an order's handlers that aren't done.
_WORST_FIRST = ("failed", "retrying", "pending")


@console.get("/orders")
def orders() -> str:
    """List the orders, newest first."""
    wanted, chosen = from_address()
    address = {name: text for name, text in chosen.items() if text}
    with kit.database.read() as session:
        pks = wanted.ids(session, most=SIZE + 1, before=paging.before())
        statement = select(OrderRow).where(OrderRow.id.in_(pks)).order_by(OrderRow.id.desc())
        rows, pages = paging.one_page(session, statement, **chosen)
        lines = [order_lines.line(row) for row in rows]
        counts = order_queries.handler_counts(session, rows)
        sharing = same_id.among(session, rows)
        totals = wanted.totals(session)
    return render_template(
        "console/orders.html",
        lines=lines,
        unfinished={pk: _in_short(count) for pk, count in counts.items()},
        sharing=sharing,
        totals=totals,
        wanted=wanted,
        chosen=chosen,
        csv=url_for("console.orders_csv", _external=False, **address),
        selected=url_for("console.orders_selected", _external=False, **address),
        is_filtered=any(chosen[name] for name in _FILTERS),
        choices={
            "which": _WHICH,
            "state": {"": "All"} | {one: one for one in order_queries.STATES},
            "source": {"": "All"} | {name: name for name in sorted(_sources() | {wanted.source} - {""})},
        },
        pages=pages,
    )


@console.get("/orders.csv")
def orders_csv() -> Response:
    """Download the whole list as a CSV file."""
    wanted, _ = from_address()
    zone = ZoneInfo(kit.settings.TIMEZONE)
    parts = order_export.written(kit.database, wanted, zone)
    headers = {"Content-Disposition": f'attachment; filename="orders-{datetime.now(zone):%Y-%m-%d}.csv"'}
    return Response(chain([BOM], parts), mimetype="text/csv", headers=headers)


def from_address() -> tuple[OrderFilter, dict[str, str]]:
    """Return the filter that the address asks for, and those parts of the address that mean something."""
    first, last, least, most = _day("from"), _day("to"), _amount("min"), _amount("max")
    wanted = OrderFilter(
        words=request.args.get("q", "").strip()[:LONGEST_SEARCH],
        state=paging.filtered("state", order_queries.STATES),
        which=paging.filtered("which", WHICH),
        source=request.args.get("source", "")[:LONGEST_SEARCH],
        least=least,
        most=most,
        **of_days(first, last, ZoneInfo(kit.settings.TIMEZONE)),
    )
    chosen = {"q": wanted.words, "state": wanted.state, "which": wanted.which, "source": wanted.source}
    others = {"from": first, "to": last, "min": least, "max": most}
    return wanted, chosen | {name: "" if value is None else str(value) for name, value in others.items()}


def _sources() -> set[str]:
    return {source.name for source in kit.sources.known}


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _amount(name: str) -> Decimal | None:
    text = request.args.get(name, "").strip()
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def _in_short(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in _WORST_FIRST if state in counts)
