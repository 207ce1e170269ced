"""The receiving view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, current_app, request
from pydantic_core import to_json

from receiver.app.components import Kit
from receiver.errors import ReceiverError
from receiver.intake.body import RawBody
from receiver.intake.posts import Delivery
from receiver.intake.received import STATUSES, Received
from receiver.intake.samples import HEADER
from receiver.sources.source import DEFAULT

blueprint = Blueprint("orders", __name__)
_METHODS = ("POST", "PUT")
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Orders</title>'
    "<p>A shop sends its orders to this address; there is nothing to see here.</p></html>"
)


@blueprint.get("/orders", strict_slashes=False, provide_automatic_options=False)
@blueprint.get("/orders/<path:source>", strict_slashes=False, provide_automatic_options=False)
def look(source: str = DEFAULT) -> Response:  # noqa: ARG001 - the same for every source, even for none
    """Answer a service that looks whether somebody is here before its merchant can save the address; tell nothing."""
    wants_page = any(kind == "text/html" and quality > 0 for kind, quality in request.accept_mimetypes)
    return Response(_PAGE if wants_page else "", mimetype="text/html" if wants_page else "text/plain")


@blueprint.route("/orders", methods=_METHODS, strict_slashes=False, provide_automatic_options=False)
@blueprint.route("/orders/<path:source>", methods=_METHODS, strict_slashes=False, provide_automatic_options=False)
def receive(source: str = DEFAULT) -> Response:
    """Receive one POST, or PUT, of a completed order: authenticate, parse, record, answer."""
    kit: Kit = current_app.extensions["receiver"]
    kit.obstacles.check()
    name = source.removesuffix("/")
    headers = {header.lower(): value for header, value in request.headers}
    delivery = Delivery(
        source_name=name,
        source=kit.sources.find(name),
        headers=headers,
        body=RawBody(request.environ),
        address=request.remote_addr,
        received_at=datetime.now(UTC),
        is_sample=HEADER in headers and kit.samples.is_one(headers),
    )
    received = _received_sample(kit, delivery) if delivery.is_sample else kit.reception.receive(delivery)
    answer = _answer(kit, received)
    reply = delivery.source and (delivery.source.reply_of_table or delivery.source.reply)
    return Response(reply.text, mimetype=reply.content_type) if reply else answer


def _received_sample(kit: Kit, delivery: Delivery) -> Received:
    """Receive what this process has sent itself, and note what becomes of it: the answer may be what a shop wants."""
    try:
        received = kit.reception.receive(delivery)
    except ReceiverError as error:
        kit.samples.note(delivery.headers, error)
        raise
    kit.samples.note(delivery.headers, received)
    return received


def _answer(kit: Kit, received: Received) -> Response:
    """Return the answer to a delivery that's on disk; a test's handlers run before it, for at most 9 s."""
    content: dict[str, Any] = {"status": received.status}
    if received.status == "waiting":
        kit.engine.hint("asking")
    if received.status in ("ping", "waiting"):
        return Response(to_json(content), STATUSES[received.status], mimetype="application/json")
    if received.status == "parked":
        content["errors"] = received.errors
    elif received.order_id:
        content["order_id"] = received.order_id
    content["receipt"] = received.receipt
    if received.status == "accepted":
        kit.engine.hint("orders")
    elif received.status == "tested":
        content["handlers"] = kit.processor.run_test(received.pk)
        kit.engine.hint("mails")
    return Response(to_json(content), STATUSES[received.status], mimetype="application/json")
