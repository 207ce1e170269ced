"""What is done with a mad request's answer: fetch it, judge it, and compare all of them with what is on disk."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from flask import Flask
from sqlalchemy import select

from receiver.app.components import Kit
from receiver.errors import ReceiverError
from receiver.intake.explanation import explain_receipt
from receiver.orders import Order
from receiver.storage import order_queries
from receiver.storage.models import OrderRow, RefusalRow
from tests.fuzz.raw import Answered, Raw
from tests.fuzz.requests import Request
from tests.served import SECRET

NEW = {"accepted": 202, "parked": 202, "ignored": 200, "tested": 200}


class Judge:
    """Looks at every answer, and at the end at what is on disk."""

    def __init__(self, *, may_be_busy: bool = False) -> None:
        #: Whether 503 is no fault: on a machine that's busy with other work, a write may have to wait for too long.
        self._may_be_busy = may_be_busy
        self.understood: set[str] = set()
        self.parked: set[str] = set()
        self.copied: set[str] = set()
        self.statuses: Counter[int] = Counter()
        #: Refused by the server, before the receiver.
        self.by_the_server = 0

    def look_at_served(self, answer: Answered, raw: Raw, what: str) -> None:
        """Judge an answer; what is not sound HTTP the server may refuse by itself, in words of its own."""
        is_servers_own = answer.status >= 400 and answer.content_type != "application/problem+json"
        if is_servers_own and raw.answers is None:
            assert answer.status < 500, what
            self.by_the_server += 1
        else:
            self.look(answer.status, answer.content_type, answer.body, what, is_unproven=raw.is_unproven)

    def look(self, status: int, content_type: str, body: bytes, what: str, *, is_unproven: bool = False) -> None:
        """Judge one answer of the receiver's own; ``what`` names the request."""
        self.statuses[status] += 1
        assert status < 500 or (status == 503 and self._may_be_busy), what
        assert SECRET.encode() not in body, what
        content: dict[str, Any] = json.loads(body)
        if status < 400:
            assert not is_unproven, what
            self._is_receipt(status, content, what)
        else:
            assert content_type == "application/problem+json", what
            assert content.keys() == {"type", "title", "status", "detail"}, what
            assert content["status"] == status, what

    def _is_receipt(self, status: int, content: dict[str, Any], what: str) -> None:
        if content["status"] == "ping":
            assert (status, content) == (200, {"status": "ping"}), what
        elif content["status"] == "duplicate":
            assert status == 200, what
            self.copied.add(content["receipt"])
        else:
            assert status == NEW[content["status"]], what
            # What stands parked may be taken over, once, by what is understood.
            mine = self.parked if content["status"] == "parked" else self.understood
            assert content["receipt"] not in mine, what
            mine.add(content["receipt"])

    def look_at_disk(self, kit: Kit) -> None:
        """Every receipt given out is one row and every row one receipt; each can be read again and shown."""
        kit.refusals.flush()
        with kit.database.read() as session:
            rows = list(session.scalars(select(OrderRow)))
            assert {row.receipt for row in rows} == self.understood | self.parked >= self.copied
            for row in rows:
                body = kit.bodies.text(row) or ""
                assert SECRET not in row.fields + (row.order or "") + row.notes + (row.errors or "") + body
                if row.order is not None:
                    Order.model_validate_json(row.order)
            for row in rows[::40]:
                json.dumps(order_queries.whole(row))
                with suppress(ReceiverError):
                    explain_receipt(session, row.receipt, kit.sources).as_text()
            refusals = list(session.scalars(select(RefusalRow)))
        assert not any(SECRET in refusal.detail + refusal.headers + refusal.fields for refusal in refusals)


def call(app: Flask, request: Request) -> tuple[int, str, bytes]:
    """Call the app as a WSGI server does; gives status, Content-Type and body of its answer."""
    started: list[tuple[int, str]] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        started.append((int(status[:3]), dict(headers)["Content-Type"]))
        return io.BytesIO().write

    with closing(app.wsgi_app(environ, start_response)) as answer:  # type: ignore[type-var]
        body = b"".join(answer)
    ((status, content_type),) = started
    return status, content_type, body
