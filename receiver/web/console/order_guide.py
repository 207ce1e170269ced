"""Help → Order Guide: every parameter of a transmission, the test order as it's sent, and receivers to copy."""

from __future__ import annotations

from collections.abc import Iterator

from flask import render_template

from receiver.orders.model import Order
from receiver.orders.parameters import form_pairs, groups, json_text, types
from receiver.orders.sample import order_of_the_guide
from receiver.relay.failures import Outcome, of_status
from receiver.security.signing import TOLERANCE_SECONDS, sign
from receiver.web.console.blueprint import console
from receiver.web.console.receivers import EXAMPLES

#: Published, so that readers can compare their own signature with the guide's.
EXAMPLE_SECRET = "whsec_YW4gZXhhbXBsZSwgdXNlZCBmb3Igbm8gb3JkZXIhISE="  # noqa: S105 - active nowhere

_SUCCESSES = (
    ("202", "accepted", "Verified, understood and stored."),
    ("202", "parked", "Verified and stored, but not understood yet. The merchant maps its parameters."),
    ("200", "duplicate", "This event is already stored. Nothing is done twice."),
    ("200", "ignored", "Verified and stored, but no order: unpaid, failed or a draft, for example."),
    ("200", "tested", "A test ran end to end. The response says what each handler did."),
)
#: A status of each kind of failure, and its name in the table.
_FAILURES = {302: "3xx"} | {code: str(code) for code in (400, 401, 404, 405, 410, 413, 415, 422, 429)} | {503: "5xx"}
_THEN = {
    Outcome.DELIVERED: "Delivered.",
    Outcome.REJECTED: "Fails right away.",
    Outcome.GONE: "Turns HTTP POST off.",
    Outcome.RETRY: "Tries again.",
}


@console.get("/help/order-guide")
def order_guide() -> str:
    """Explain a transmission from its parameters to its answer."""
    dummy = order_of_the_guide()
    pairs = form_pairs(dummy)
    return render_template(
        "console/order_guide.html",
        groups=groups(dummy),
        types=types(),
        form_pairs=pairs,
        json=json_text(dummy),
        headers=signature_headers(dummy, "".join(pairs).encode()),
        secret=EXAMPLE_SECRET,
        minutes=TOLERANCE_SECONDS // 60,
        answers=list(_answers()),
        examples=EXAMPLES,
    )


def signature_headers(order: Order, body: bytes) -> dict[str, str]:
    """Return the signature headers of a body that was sent when the order was placed."""
    event_id = order.event_id or ""
    timestamp = int(order.order_date.timestamp()) if order.order_date else 0
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign([EXAMPLE_SECRET], webhook_id=event_id, timestamp=timestamp, body=body),
    }


def _answers() -> Iterator[tuple[str, str, str, str]]:
    """Yield the answers to a transmission: status, meaning, what the sender does then, and the next step."""
    for status, word, meaning in _SUCCESSES:
        yield f"{status} {word}", meaning, _THEN[of_status(int(status)).outcome], "None."
    for code, status in _FAILURES.items():
        diagnosis = of_status(code)
        yield status, diagnosis.cause, _THEN[diagnosis.outcome], diagnosis.next_step
