"""The dummy-POST self test: sends the dummy order for real, and the POSTs that must be refused."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from urllib3 import PoolManager
from werkzeug.serving import make_server

from receiver import ledger, signing
from receiver.errors import ConfigurationError
from receiver.http_client import new_pool
from receiver.kit import Kit
from receiver.orders import Order, encode_form
from receiver.relay.dummy import dummy_order
from receiver.relay.sender import Answer, send

#: How long a secret made for the self test holds, should its end be missed.
SECRET_LASTS = timedelta(minutes=5)
_MAIL_PATIENCE_SECONDS = 12.0


@dataclass(frozen=True)
class Step:
    """Is one line of the self test's report."""

    step: str
    passed: bool
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """Says where the self test posts to, and with what."""

    url: str
    secret: str = field(repr=False)
    pool: PoolManager
    #: This instance, where its mails can be looked up; None when the secret is another receiver's.
    kit: Kit | None


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve the app on a free port of this machine, jobs included; gives the URL of its /orders."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="self-test-server", daemon=True)
    thread.start()
    engine = app.extensions["receiver"].engine
    engine.start(work=True)
    try:
        yield f"http://127.0.0.1:{server.server_port}/orders"
    finally:
        engine.stop()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def secret_of_its_own(kit: Kit) -> Iterator[str]:
    """Add a secret named ``selftest`` to this instance, and revoke it at the end, whatever happens."""
    secret, now = signing.new_secret(), datetime.now(UTC)
    with kit.database.write() as session:
        fingerprint = kit.shared_secrets.add(session, secret, now=now, name="selftest", ends_at=now + SECRET_LASTS)
    try:
        yield secret
    finally:
        # It may have ended already: by itself, or revoked by somebody else meanwhile.
        with suppress(ConfigurationError), kit.database.write() as session:
            kit.shared_secrets.end(session, fingerprint, at=datetime.now(UTC))


def run(url: str, *, secret: str, kit: Kit | None) -> Iterator[Step]:
    """Walk all steps, each given as soon as its outcome is known; one that makes the rest senseless is the last."""
    target = Target(url=url, secret=secret, pool=new_pool(allow_private=True, https_only=False), kit=kit)
    order = dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8))
    answer = _post(target, order)
    for step in _arrival(answer):
        yield step
        if not step.passed:
            return
    report = json.loads(answer.body)
    for handler in report["handlers"]:
        passed = handler["state"] in {"done", "skipped"}
        yield Step(f"handler {handler['name']}", passed, handler["state"], handler["detail"] or "")
    yield from _mails(target, report["receipt"])
    yield from _refusals(target, order)


def _arrival(answer: Answer) -> Iterator[Step]:
    """Judge how the dummy order arrived, up to its being recorded."""
    if answer.status is None:
        yield Step("reachable", False, "failed", f"{answer.cause} {answer.next_step}")
        return
    yield Step("reachable", True, "ok", f"{answer.address}, status {answer.status} in {answer.milliseconds} ms")
    if answer.status == 401:
        yield Step("authenticated", False, "refused", "401: the receiver holds another secret, or its clock is off")
        return
    if not 200 <= answer.status < 300:
        yield Step("authenticated", False, f"{answer.status}", f"{answer.cause} {answer.next_step}")
        return
    yield Step("authenticated", True, "ok", "signature accepted")
    report = _json(answer)
    if report.get("status") != "tested":
        status = str(report.get("status") or "unknown")
        yield Step("parsed", False, status, "the answer is not the report of a test transmission; is the URL right?")
        return
    yield Step("parsed", True, "ok", f"order {report.get('order_id')} understood")
    yield Step("recorded", True, "ok", f"receipt {report.get('receipt')}")


def _mails(target: Target, receipt: str) -> Iterator[Step]:
    """Wait until this instance's mails of the order are sent or given up."""
    if target.kit is None:
        return
    deadline = time.monotonic() + _MAIL_PATIENCE_SECONDS
    while True:
        with target.kit.database.read() as session:
            mails = ledger.find(session, receipt).mails
        if all(mail.state != "open" for mail in mails) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    for mail in mails:
        yield Step(f"mail of {mail.handler}", mail.state == "sent", mail.state, mail.detail or "not sent yet")


def _refusals(target: Target, order: Order) -> Iterator[Step]:
    """Send what must not get through: once with each thing wrong, and the same order again."""
    fresh = dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8))
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    yield _expected("wrong secret", 401, _post(target, fresh, secret=signing.new_secret()))
    yield _expected("changed body", 401, _post(target, fresh, change_a_byte=True))
    yield _expected("old timestamp", 401, _post(target, fresh, at=an_hour_ago))
    copy = _post(target, order)
    status = _json(copy).get("status")
    passed = copy.status == 200 and status == "duplicate"
    yield Step("second copy", passed, f"{copy.status}", f"answered as {status}; its handlers do not run again")


def _expected(step: str, status: int, answer: Answer) -> Step:
    passed = answer.status == status
    detail = "refused, as it must be" if passed else f"was answered {answer.status}, must be {status}"
    return Step(step, passed, f"{answer.status}", detail)


def _post(
    target: Target,
    order: Order,
    *,
    secret: str | None = None,
    at: datetime | None = None,
    change_a_byte: bool = False,
) -> Answer:
    body = encode_form(order)
    event_id = order.event_id or ""
    timestamp = int((at or datetime.now(UTC)).timestamp())
    signature = signing.sign([secret or target.secret], webhook_id=event_id, timestamp=timestamp, body=body)
    if change_a_byte:
        body = body.replace(b"quantity=1", b"quantity=2", 1)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    return send(target.url, body, headers, pool=target.pool, secrets=[target.secret])


def _json(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
