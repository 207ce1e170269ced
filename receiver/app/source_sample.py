"""Send a source's sample through this server's own door, and say step by step what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.app.own_door import own_door
from receiver.app.self_test import Step
from receiver.app.source_facts import facts
from receiver.errors import NotPossible, Unauthenticated
from receiver.intake.received import Received
from receiver.intake.samples import HEADER
from receiver.relay.sender import send as post
from receiver.security.http_client import new_pool
from receiver.sources import trying
from receiver.sources.source import Source
from receiver.storage import order_queries
from receiver.storage.models import OrderRow

_SHOWN_ITEMS = 3
#: What verified an order, before the secret's fingerprint.
_PROOFS = {
    "signature": "by a signature with the secret",
    "header": "by a header that holds the secret",
    "field": "by a field that holds the secret",
}


def why_not(kit: Kit, source: Source) -> str:
    """Return why no sample of a source can be sent; empty when one can."""
    return source.trouble or trying.why_not(source, has_shared_secrets=bool(kit.shared_secrets.keyring().active))


def send(kit: Kit, app: Flask, source: Source) -> str:
    """Send a sample of a source as a test, and return its receipt; the secret leaves this machine nowhere.

    Raises NotPossible with the reason when it can't be sent, or was refused.
    """
    if said := why_not(kit, source):
        raise NotPossible(said)
    known = facts(kit, source)
    shared = next(iter(kit.shared_secrets.keyring().active), "")
    sample = trying.signed(source, known.address, shared=shared, now=datetime.now(UTC))
    token = kit.samples.expect()
    try:
        with own_door(app) as door:
            pool = new_pool(allow_private=True, https_only=False)
            answer = post(f"{door}{known.path}", sample.body, {**sample.headers, HEADER: token}, pool=pool)
    finally:
        outcome = kit.samples.take(token)
    if isinstance(outcome, Received):
        if not outcome.receipt:
            raise NotPossible("The sample was taken for a set-up ping, so nothing was kept.")
        return outcome.receipt
    why = outcome.detail if isinstance(outcome, Unauthenticated) else str(outcome or answer.cause)
    raise NotPossible(f"The sample was refused: {why}")


def steps(session: Session, receipt: str) -> Iterator[Step]:
    """Yield what became of a sample: how it was verified, what was read, what each handler did."""
    row = order_queries.find(session, receipt)
    yield Step("verified", True, "ok", f"{_PROOFS.get(row.proof, row.proof)} {row.fingerprint}")
    yield _understood(row)
    yield Step("kept", True, "ok", f"as the test {receipt}, which isn't counted")
    for one in row.handlers:
        detail = one.detail or ""
        yield Step(f"handler {one.name}", one.state in {"done", "skipped"}, one.state, detail)


def _understood(row: OrderRow) -> Step:
    if row.order is None:
        errors = json.loads(row.errors or "[]")
        said = "; ".join(f"{error['field']} {error['message']}" for error in errors[:_SHOWN_ITEMS])
        return Step("understood", False, row.state, said or "see the order")
    order = json.loads(row.order)
    items = ", ".join(item.get("name") or "an item" for item in order.get("items", [])[:_SHOWN_ITEMS])
    amount = f"{row.total or ''} {row.currency or ''}".strip() or "no total"
    parts = [f"order {row.order_id}", amount, row.email or "no email address", items or "no items"]
    is_paid = row.decided == "completed"
    return Step("understood", is_paid, "ok" if is_paid else f"ignored: {row.decided}", ", ".join(parts))
