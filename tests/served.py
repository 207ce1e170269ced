"""A receiver served over a real socket, and what a sender does to it."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from flask import Flask
from sqlalchemy import exists, select
from werkzeug.serving import make_server

from receiver.app.components import Kit
from receiver.errors import Unavailable
from receiver.security import signing
from receiver.storage.models import HandlerRow, MailRow, OrderRow
from tests.waiting import SOON, wait_for

SECRET = "whsec_" + "c2hhcmVkLXNlY3JldC1vZi10aGUtdGVzdHMtMzJieXQ="
FORM = "application/x-www-form-urlencoded"


def order_fields(**changes: str) -> dict[str, str]:
    """Give a small complete order as form fields; a change of None-like empty text empties a field."""
    fields = {
        "order_id": f"A-{secrets.token_hex(4)}",
        "currency": "GBP",
        "total": "19.99",
        "customer_email": "ada@shop.example",
        "customer_first_name": "Ada",
        "item_1_name": "Enamel mug",
        "item_1_quantity": "1",
        "item_1_unit_price": "19.99",
    }
    return fields | changes


def signed(
    body: bytes, *, secret: str = SECRET, webhook_id: str | None = None, at: datetime | None = None
) -> dict[str, str]:
    """Give the signature headers of a body."""
    webhook_id = webhook_id or f"evt_{secrets.token_hex(8)}"
    timestamp = int((at or datetime.now(UTC)).timestamp())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.sign([secret], webhook_id=webhook_id, timestamp=timestamp, body=body),
    }


@dataclass
class Reply:
    """Is what the receiver answered."""

    status: int
    content: dict[str, Any]
    headers: Mapping[str, str]


class Served:
    """Is a receiver at an address, as its sender and its merchant see it."""

    def __init__(self, base: str, kit: Kit) -> None:
        self.base = base
        self.url = f"{base}/orders"
        self.kit = kit
        self._pool = urllib3.PoolManager(retries=False, maxsize=64)

    def post(
        self,
        fields: Mapping[str, str] | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = FORM,
        path: str = "/orders",
        prove: bool = True,
    ) -> Reply:
        """POST fields or raw bytes, proven by the secret in a header unless other headers are given."""
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        sent = dict(headers) if headers is not None else ({"X-Shared-Secret": SECRET} if prove else {})
        if content_type:
            sent.setdefault("Content-Type", content_type)
        return self.request("POST", path, body=body, headers=sent)

    def request(self, method: str, path: str, **options: Any) -> Reply:
        """Make any request."""
        response = self._pool.request(method, self.base + path, **options)
        try:
            content = json.loads(response.data)
        except ValueError:
            content = {}
        return Reply(response.status, content, response.headers)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._pool.clear()

    def rows(self, model: Any = OrderRow) -> list[Any]:
        """Read all rows of a table."""
        with self.kit.database.read() as session:
            return list(session.scalars(select(model).order_by(model.id)))

    def wait_for(self, condition: Callable[[], bool], seconds: float = SOON) -> None:
        """Wait until a condition holds."""
        wait_for(condition, seconds)

    def settled(self, seconds: float = SOON) -> list[OrderRow]:
        """Wait until no order and no mail is open, and give the orders."""
        self.wait_for(lambda: not self._is_anything_open(), seconds)
        return self.rows()

    def _is_anything_open(self) -> bool:
        with self.kit.database.read() as session:
            return any(session.scalar(select(exists().where(model.state == "open"))) for model in (OrderRow, MailRow))

    def handler_states(self) -> dict[str, str]:
        """Give what each handler made of the newest order."""
        newest = self.rows()[-1].id
        return {row.name: row.state for row in self.rows(HandlerRow) if row.order_pk == newest}


@contextmanager
def served(app: Flask, *, work: bool, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Serve an app in threads of this process, with its engine."""
    kit: Kit = app.extensions["receiver"]
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    kit.engine.start(work=work)
    shop = Served(f"http://127.0.0.1:{server.server_port}", kit)
    try:
        yield shop
    finally:
        shop.close()
        kit.engine.stop()
        server.shutdown()
        thread.join()
        server.server_close()


def refuse_writes(
    monkeypatch: pytest.MonkeyPatch, kit: Kit, *, times: int, after: tuple[Any, str] | None = None
) -> None:
    """Have the database take no write for so many tries, as under a foreign lock; ``after`` a method was called."""
    begin, left = kit.database.begin_write, [0 if after else times]

    def refuse(*args: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise Unavailable("Another write is taking too long; try again.")
        return begin(*args, **options)

    monkeypatch.setattr(kit.database, "begin_write", refuse)
    monkeypatch.setattr(kit.database.shared_writes, "_begin_write", refuse)
    if after:
        doer, name = after
        do = getattr(doer, name)

        def then_refuse(*args: Any) -> Any:
            done = do(*args)
            left[0] = times
            return done

        monkeypatch.setattr(doer, name, then_refuse)
