"""The dummy-POST self test: sends the dummy order for real, and the POSTs that must be refused."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask
from urllib3 import PoolManager
from werkzeug.serving import make_server

from receiver.app.components import Kit
from receiver.app.self_test_steps import Step, of_handlers
from receiver.intake.authentication import SELF_TEST_HEADER, self_test_mark
from receiver.orders import Order, encode_form
from receiver.orders.sample import dummy_order
from receiver.relay.report import Report, read
from receiver.relay.sender import Answer, send
from receiver.security import signing
from receiver.security.answers import MOST_ANSWER_BYTES
from receiver.security.http_client import new_pool
from receiver.security.shared_secrets import SELF_TEST
from receiver.storage import order_queries

#: How long a secret made for the self test holds, should its end be missed.
SECRET_LASTS = timedelta(minutes=5)
_MAIL_PATIENCE_SECONDS = 12.0


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the self test posts to, and with which secret."""

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
    """Add a secret named ``selftest`` to this instance, and remove it at the end, whatever happens."""
    secret, now = signing.new_secret(), datetime.now(UTC)
    with kit.database.write() as session:
        fingerprint = kit.shared_secrets.add(session, secret, now=now, name=SELF_TEST, ends_at=now + SECRET_LASTS)
    try:
        yield secret
    finally:
        with kit.database.write() as session:
            kit.shared_secrets.forget_self_test(session, fingerprint, now=datetime.now(UTC))


def run(url: str, *, secret: str, kit: Kit | None) -> Iterator[Step]:
    """Walk all steps, each given as soon as its outcome is known; one that makes the rest senseless is the last."""
    target = Target(url=url, secret=secret, pool=new_pool(allow_private=True, https_only=False), kit=kit)
    order = dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8))
    answer = _post(target, order)
    report = _report(answer)
    for step in _arrival(answer, report):
        yield step
        if not step.passed:
            return
    assert report is not None  # noqa: S101 - else it was not parsed
    yield from of_handlers(report, target.kit)
    yield from _mails(target, report.receipt)
    yield from _refusals(target, order)


def _arrival(answer: Answer, report: Report | None) -> Iterator[Step]:
    """Judge how the dummy order arrived, up to its being recorded."""
    if answer.status is None:
        yield Step("reachable", False, "failed", f"{answer.cause} {answer.next_step}")
        return
    yield Step("reachable", True, "ok", f"{answer.address}, status {answer.status} in {answer.milliseconds} ms")
    if answer.status == 401:
        yield Step("authenticated", False, "refused", "401: the receiver has a different secret, or its clock is off")
        return
    if not 200 <= answer.status < 300:
        yield Step("authenticated", False, f"{answer.status}", f"{answer.cause} {answer.next_step}")
        return
    yield Step("authenticated", True, "ok", "signature accepted")
    if report is None or report.status != "tested":
        yield Step("parsed", False, report.status if report else "unknown", _why_no_report(answer))
        return
    yield Step("parsed", True, "ok", f"order {report.order_id} understood")
    yield Step("recorded", True, "ok", f"receipt {report.receipt}")


def _why_no_report(answer: Answer) -> str:
    if len(answer.body) >= MOST_ANSWER_BYTES:
        return (
            f"the response has more than {MOST_ANSWER_BYTES} bytes. Make the handlers return less; or is the URL wrong?"
        )
    return "the response isn't a test report. Is the URL right?"


def _mails(target: Target, receipt: str) -> Iterator[Step]:
    """Wait until this instance's mails of the order are sent or given up."""
    if target.kit is None:
        return
    deadline = time.monotonic() + _MAIL_PATIENCE_SECONDS
    while True:
        with target.kit.database.read() as session:
            mails = order_queries.find(session, receipt).mails
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
    report = _report(copy)
    status = report.status if report else "no copy"
    passed = copy.status == 200 and status == "duplicate"
    yield Step("second copy", passed, f"{copy.status}", f"answered as {status}; its handlers don't run again")


def _expected(step: str, status: int, answer: Answer) -> Step:
    passed = answer.status == status
    detail = "refused, as expected" if passed else f"got {answer.status}, expected {status}"
    return Step(step, passed, f"{answer.status}", detail)


def _post(
    target: Target,
    order: Order,
    *,
    secret: str | None = None,
    at: datetime | None = None,
    change_a_byte: bool = False,
) -> Answer:
    """Send an order, with these things wrong; then it is marked, so that its refusal raises no alarm."""
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
    if secret or change_a_byte or at:
        headers[SELF_TEST_HEADER] = self_test_mark(target.secret, event_id)
    return send(target.url, body, headers, pool=target.pool, secrets=[target.secret])


def _report(answer: Answer) -> Report | None:
    return read(answer.body.decode("utf-8", "replace"))
