"""The receiving view."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Request, Response, request
from pydantic_core import to_json

from receiver.app.body_deadlines import MOST_DRAINED
from receiver.app.components import current_kit
from receiver.errors import BrokenOff, TooLarge
from receiver.intake.reception import Delivery
from receiver.sources.source import DEFAULT

#: How servers that raise an error for a chunked body without its last chunk name themselves.
_SAY_WHAT_BREAKS_OFF = ("gunicorn/", "Werkzeug/")

blueprint = Blueprint("orders", __name__)


@blueprint.post("/orders", strict_slashes=False, provide_automatic_options=False)
@blueprint.post("/orders/<source>", strict_slashes=False, provide_automatic_options=False)
def receive(source: str = DEFAULT) -> Response:
    """Take in one POST of a completed order: authenticate, read, record, answer."""
    kit = current_kit()
    kit.check_settings()
    delivery = Delivery(
        source=source,
        headers={name.lower(): value for name, value in request.headers},
        read_body=partial(_raw_body, request, kit.settings["MAX_BODY_BYTES"]),
        end_is_known=_end_is_known(request),
        address=request.remote_addr,
        received_at=datetime.now(UTC),
    )
    answer = kit.reception.receive(delivery)
    return Response(to_json(answer.content), answer.status, mimetype="application/json")


def _end_is_known(incoming: Request) -> bool:
    """Tell whether a body that breaks off is noticed: by its length, or by a server that says so.

    granian ends a chunked body, or one of HTTP/2, at whatever came. Of a server that is not known here, the same is
    expected.
    """
    if incoming.content_length is not None:
        return True
    speaks_http1 = incoming.environ.get("SERVER_PROTOCOL") in {"HTTP/1.0", "HTTP/1.1"}
    return speaks_http1 and incoming.environ.get("SERVER_SOFTWARE", "").startswith(_SAY_WHAT_BREAKS_OFF)


def _raw_body(incoming: Request, limit: int) -> bytes:
    """Read the bytes as they came, before any parsing and to one byte past the limit; a chunked body is never cut."""
    announced = incoming.content_length
    if announced is not None and announced > limit + MOST_DRAINED:
        raise _too_large(limit)
    if announced is None and not {"wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"} & incoming.environ.keys():
        return b""  # RFC 9112, 6.3: without either there is none, and a read would wait for the sender to leave
    wanted = limit + 1 if announced is None else min(announced, limit + 1)
    stream = incoming.environ["wsgi.input"]
    try:
        body = _read(stream, wanted)
    except Exception as error:  # each server has errors of its own for a broken or abandoned body
        raise _broken_off() from error
    if len(body) > limit:
        with suppress(Exception):
            _read(stream, MOST_DRAINED if announced is None else announced - len(body))
        raise _too_large(limit)
    if announced is not None and len(body) < announced:
        raise _broken_off()
    return body


def _read(stream: Any, wanted: int) -> bytes:
    body: bytes = stream.read(wanted)
    while len(body) < wanted and (part := stream.read(wanted - len(body))):
        body += part
    return body


def _broken_off() -> BrokenOff:
    return BrokenOff("The body broke off before its end; send it again.")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body has more than {limit} bytes; an order is far smaller. MAX_BODY_BYTES raises the limit.")
