"""A line on the terminal of `flask serve` for each POST: how it was answered, and what the handlers made of it."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from babel import Locale
from flask import Flask, Response, g, request

from receiver.app.commands.serve import SHOWS_POSTS
from receiver.app.components import Kit
from receiver.errors import ReceiverError, printable
from receiver.intake.authentication import SELF_TEST_HEADER
from receiver.mail import formatting
from receiver.storage import order_queries
from receiver.storage.database import Database
from receiver.storage.models import OrderRow

#: Longest that a line waits for its order's handlers, and most lines that wait at once.
_PATIENCE_SECONDS, _MOST_WAITING = 10.0, 16
_LOOK_EVERY_SECONDS = 0.05
_METHODS = ("POST", "PUT")


def init_app(app: Flask) -> None:
    """Print a line for each POST to /orders, if this process was started for that. No line holds personal data."""
    if not os.environ.get(SHOWS_POSTS):
        return
    kit: Kit = app.extensions["receiver"]
    waiting = threading.BoundedSemaphore(_MOST_WAITING)

    @app.before_request
    def begin() -> None:
        g.began = time.monotonic()

    @app.after_request
    def finish(response: Response) -> Response:
        is_shown = request.method in _METHODS and SELF_TEST_HEADER not in request.headers  # which are its own refusals
        if request.blueprint == "orders" and is_shown:
            with suppress(Exception):  # what can't be shown changes no answer: the order is on disk
                show(response)
        return response

    def show(response: Response) -> None:
        said = response.get_json(silent=True)
        said = said if isinstance(said, dict) else {}
        at, line = f"{datetime.now().astimezone():%H:%M:%S}", partial(_line, response.status_code, said)
        if said.get("status") == "accepted" and waiting.acquire(blocking=False):
            threading.Thread(target=wait, args=(at, said["receipt"], g.began, line), daemon=True).start()
        else:
            row = None if said.get("status") == "duplicate" else _row(kit.database, said.get("receipt"))
            _print(at, line(row), g.began)

    def wait(at: str, receipt: str, began: float, line: partial[str]) -> None:
        with suppress(Exception):
            _print(at, line(_settled(kit.database, receipt)), began)
        waiting.release()


def _settled(database: Database, receipt: str) -> OrderRow | None:
    """Return an order once each of its handlers has run, or after 10 s as it is."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        row = _row(database, receipt)
        has_run = row is not None and row.handlers and all(one.state != "pending" for one in row.handlers)
        if has_run or time.monotonic() > deadline:
            return row
        time.sleep(_LOOK_EVERY_SECONDS)


def _row(database: Database, receipt: str | None) -> OrderRow | None:
    """Return an order with its handlers; None without a receipt, or if it can't be read now."""
    if receipt:
        with suppress(ReceiverError), database.read() as session:
            row = order_queries.find(session, receipt)
            return row if row.handlers is not None else None  # which reads them
    return None


def _line(status: int, said: Mapping[str, Any], row: OrderRow | None) -> str:
    words = [f"{status} {said.get('title') or said.get('status') or ''}".strip()]
    if row is not None:
        total = Decimal(row.total) if row.total else None
        words += [row.order_id or row.receipt, formatting.money(total, row.currency, Locale("en"))]
        counted = Counter(one.state for one in row.handlers)
        words += [f"→ handlers: {', '.join(f'{number} {state}' for state, number in counted.items())}"] * bool(counted)
    elif said.get("order_id"):
        words.append(said["order_id"])
    words += [f"{error['field']} {error['message'].partition(':')[0]}" for error in said.get("errors", [])[:1]]
    return "  ".join(filter(None, words))


def _print(at: str, line: str, began: float) -> None:
    milliseconds = round((time.monotonic() - began) * 1000)
    print(printable(f"{at}  {line}  {milliseconds} ms"), flush=True)  # noqa: T201 - it's what the terminal is for
