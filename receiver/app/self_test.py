"""The self test: send a test order for real, and then POSTs that must be refused."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from urllib3 import PoolManager

from receiver.app.components import Kit
from receiver.dispatch import handler_changes
from receiver.intake.authentication import SELF_TEST_HEADER, self_test_mark
from receiver.orders import Order, encode_form
from receiver.orders.sample import dummy_order
from receiver.relay.report import Report, read
from receiver.relay.sender import Answer, send
from receiver.security import signing
from receiver.security.answers import MOST_ANSWER_BYTES
from receiver.security.http_client import new_pool
from receiver.storage import order_queries

_MAIL_PATIENCE_SECONDS = 12.0
#: For handlers that take longer than the answer to a test order does; longer than a handler's timeout usually is.
_HANDLER_PATIENCE_SECONDS = 40.0


@dataclass(frozen=True)
class Step:
    """One line of the self test's report."""

    step: str
    passed: bool
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the self test posts to, and with which secret."""

    url: str
    secret: str = field(repr=False)
    pool: PoolManager
    #: This instance, where emails can be looked up; None when the secret is another receiver's.
    kit: Kit | None


def run(url: str, *, secret: str, kit: Kit | None) -> Iterator[Step]:
    """Yield each step as soon as its result is known. Stop after one whose failure makes the others pointless."""
    target = Target(url=url, secret=secret, pool=new_pool(allow_private=True, https_only=False), kit=kit)
    order = dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8))
    answer = _post(target, order)
    report = _report(answer)
    for step in _arrival(answer, report):
        yield step
        if not step.passed:
            return
    assert report is not None  # noqa: S101 - without it, the step "parsed" failed
    yield from _handlers(report, target.kit, order)
    yield from _mails(target, report.receipt)
    yield from _refusals(target, order)


def _arrival(answer: Answer, report: Report | None) -> Iterator[Step]:
    """Yield the steps from sending the test order until it's recorded."""
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
        why = "the response isn't a test report. Is the URL right?"
        if len(answer.body) >= MOST_ANSWER_BYTES:
            why = f"the response has more than {MOST_ANSWER_BYTES} bytes. Make the handlers return less; "
            why += "or is the URL wrong?"
        yield Step("parsed", False, report.status if report else "unknown", why)
        return
    yield Step("parsed", True, "ok", f"order {report.order_id} understood")
    yield Step("recorded", True, "ok", f"receipt {report.receipt}")


def _handlers(report: Report, kit: Kit | None, order: Order) -> Iterator[Step]:
    """Yield a step for each handler that ran, and for each of this instance that didn't."""
    ended = _ended(report, kit)
    for name, state, detail in ended:
        yield Step(f"handler {name}", state in {"done", "skipped"}, state, detail)
    if kit is None:
        return
    ran = {name for name, _, _ in ended}
    for one in kit.registry.handlers:
        if order.event not in one.events:
            yield Step(f"handler {one.name}", True, "not run", f"it runs on {', '.join(one.events)}")
        elif one.name not in ran:
            yield Step(f"handler {one.name}", False, "not run", "the receiver hasn't loaded it")
    for difference in handler_changes.differences(kit.database, kit.registry):
        yield Step("running now", False, "outdated", difference)
    for problem in kit.registry.problems:
        yield Step("handlers", False, "wrong", problem)
    for not_yet, reason in kit.registry.not_loaded:
        yield Step(f"handler {not_yet.name}", True, "not loaded", reason)


def _ended(report: Report, kit: Kit | None) -> list[tuple[str, str, str]]:
    """Return name, state and detail of each handler; wait for this instance's that take longer than the answer."""
    ended = [(one.name, one.state, one.detail) for one in report.handlers]
    deadline = time.monotonic() + _HANDLER_PATIENCE_SECONDS
    while kit and any(state == "pending" for _, state, _ in ended) and time.monotonic() < deadline:
        time.sleep(0.1)
        with kit.database.read() as session:
            rows = order_queries.find(session, report.receipt).handlers
            ended = [(one.name, one.state, one.detail or "") for one in rows]
    return ended


def _mails(target: Target, receipt: str) -> Iterator[Step]:
    """Wait until this instance's emails about the order have been sent or have failed."""
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
    """Send POSTs that must be refused, each with one thing wrong, and then a copy of the test order."""
    fresh = dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8))
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    yield _refused("wrong secret", _post(target, fresh, secret=signing.new_secret()))
    yield _refused("changed body", _post(target, fresh, change_a_byte=True))
    yield _refused("old timestamp", _post(target, fresh, at=an_hour_ago))
    copy = _post(target, order)
    report = _report(copy)
    status = report.status if report else "something else"
    passed = copy.status == 200 and status == "duplicate"
    detail = "recognised, and no handler runs again" if passed else f"answered as {status}, expected duplicate"
    yield Step("second copy", passed, f"{copy.status}", detail)


def _refused(step: str, answer: Answer) -> Step:
    passed = answer.status == 401
    detail = "refused, as expected" if passed else f"got {answer.status}, expected 401"
    return Step(step, passed, f"{answer.status}", detail)


def _post(
    target: Target,
    order: Order,
    *,
    secret: str | None = None,
    at: datetime | None = None,
    change_a_byte: bool = False,
) -> Answer:
    """Send an order. One that must be refused carries the self test's mark, so that it doesn't alarm the merchant."""
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
