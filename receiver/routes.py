"""The receiving view."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Request, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_input_stream

from receiver.errors import TooLarge, Unavailable
from receiver.kit import current_kit
from receiver.reception import Delivery
from receiver.sources import DEFAULT

blueprint = Blueprint("orders", __name__)


@blueprint.post("/orders", strict_slashes=False, provide_automatic_options=False)
@blueprint.post("/orders/<source>", strict_slashes=False, provide_automatic_options=False)
def receive(source: str = DEFAULT) -> ResponseReturnValue:
    """Take in one POST of a completed order: authenticate, read, record, answer."""
    kit = current_kit()
    if kit.problems:
        raise Unavailable("The receiver's settings are wrong; its log and `flask doctor` say which.")
    delivery = Delivery(
        source=source,
        headers=request.headers,
        body=_raw_body(request, kit.settings["MAX_BODY_BYTES"]),
        address=request.remote_addr,
        received_at=datetime.now(UTC),
    )
    answer = kit.reception.receive(delivery)
    return answer.content, answer.status


def _raw_body(incoming: Request, limit: int) -> bytes:
    """Read the bytes as they came, before any parsing and to one byte past the limit; a chunked body is never cut."""
    if (incoming.content_length or 0) > limit:
        raise _too_large(limit)
    stream = get_input_stream(incoming.environ)
    body = bytearray()
    while len(body) <= limit:
        try:
            part = stream.read(limit + 1 - len(body))
        except HTTPException as error:
            raise Unavailable("The body broke off before its end; send it again.") from error
        if not part:
            return bytes(body)
        body += part
    raise _too_large(limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body has more than {limit} bytes; an order is far smaller. MAX_BODY_BYTES raises the limit.")
