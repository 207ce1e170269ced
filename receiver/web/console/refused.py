"""Received → Refused: which POSTs were refused, exactly why, and what to do about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from flask import render_template, request

from receiver.intake import refusals
from receiver.intake.refusal_advice import advice
from receiver.storage import order_queries
from receiver.storage.models import RefusalRow
from receiver.storage.pages import newest
from receiver.web import kit, paging
from receiver.web.console.blueprint import console

#: Of a source, as in its address.
_LONGEST_NAME = 64
_EVER = datetime.fromtimestamp(0, UTC)


@console.get("/refused")
def refused() -> str:
    """List the refused POSTs, newest first."""
    with kit.database.read() as session:
        counts = refusals.counts_since(session, _EVER, with_pings=True)
        reason = paging.filtered("reason", counts)
        source = request.args.get("source", "")[:_LONGEST_NAME]
        statement = newest(RefusalRow, reason=reason, source=source, before=paging.before())
        rows, pages = paging.one_page(session, statement, reason=reason, source=source)
        first_good = order_queries.first_received_at(session)
    labels = {name: f"{advice(name).meaning} ({count})" for name, count in sorted(counts.items())}
    return render_template(
        "console/refused.html",
        refused=[(row, advice(row.reason), json.loads(row.headers), json.loads(row.fields)) for row in rows],
        filters=paging.filter_links("reason", {"": "All"} | labels, source=source),
        source=source,
        first_good=first_good,
        kept=refusals.KEPT,
        pages=pages,
    )
