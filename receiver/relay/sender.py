"""One signed POST of one order, and what its answer means. order-post "Sending (the relay)"."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Literal

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from receiver.errors import ConfigurationError
from receiver.orders import Order, encode_form, encode_json
from receiver.relay.failures import Diagnosis, of_failure, of_redirect, of_status
from receiver.relay.masking import longest_spelling, masked
from receiver.security.addresses import check_url
from receiver.security.answers import MOST_ANSWER_BYTES, read_body, retry_after_seconds
from receiver.security.http_client import new_pool, peer
from receiver.security.signing import sign

#: Most characters of an answer's Content-Type that are kept.
MOST_CONTENT_TYPE = 200
#: Longest URL of a redirect that is named.
MOST_LOCATION = 300

_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REJECTED = frozenset({400, 413, 415, 422})


class Outcome(StrEnum):
    """What an attempt's answer means for the transmission."""

    DELIVERED = "delivered"
    #: 410: the receiver wants no more orders.
    GONE = "gone"
    #: The order itself is refused; sending it again is of no use.
    REJECTED = "rejected"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one attempt led to; holds no secret, even where the other side repeated it."""

    outcome: Outcome
    #: One word for the failure, and a sentence each for the merchant; empty when delivered.
    kind: str
    cause: str
    next_step: str
    #: As sent, any secret masked.
    headers_sent: Mapping[str, str] = field(default_factory=dict)
    milliseconds: int = 0
    #: This and all below are empty when no answer came.
    status: int | None = None
    #: At most 20,000 bytes of the body.
    body: bytes = b""
    content_type: str = ""
    #: The address connected to.
    address: str | None = None
    #: For example ``TLSv1.3``; None without TLS.
    tls: str | None = None
    #: Seconds that the receiver asked to wait, at most a day.
    retry_after: int | None = None


def post(
    url: str,
    secrets: Sequence[str],
    order: Order,
    *,
    pool: PoolManager | None = None,
    encoding: Literal["form", "json"] = "form",
    secret_field: str | None = None,
    now: datetime | None = None,
) -> Answer:
    """Encode an order once, sign those very bytes with every secret, newest first, and send them.

    The order's ``event_id`` is the webhook-id. ``secret_field`` names a field that carries the newest secret
    itself. ``now`` is aware UTC. Raises ValueError for an order whose event_id cannot be signed.
    """
    extra_fields = [(secret_field, secrets[0])] if secret_field else []
    body = (encode_json if encoding == "json" else encode_form)(order, extra_fields)
    timestamp = int((now or datetime.now(UTC)).timestamp())
    event_id = order.event_id or ""
    headers = {
        "Content-Type": _CONTENT_TYPES[encoding],
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, webhook_id=event_id, timestamp=timestamp, body=body),
    }
    return send(url, body, headers, pool=pool, secrets=secrets)


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    pool: PoolManager | None = None,
    secrets: Sequence[str] = (),
) -> Answer:
    """POST exactly these bytes with these headers; network trouble of any kind is an Answer too.

    ``pool`` is one of ``http_client.new_pool``, public addresses only when none is given. ``secrets`` are
    masked wherever they would show in the Answer.
    """
    all_headers = {"User-Agent": "order-relay/1", "Connection": "close", **headers}
    started = time.monotonic()
    try:
        check_url(url, https_only=False, allow_private=True)
        response = (pool or _public_pool()).urlopen(
            "POST",
            url,
            redirect=False,
            body=body,
            headers=all_headers,
            preload_content=False,
            decode_content=False,
        )
    except (HTTPError, ConfigurationError) as error:
        answer = Answer(outcome=Outcome.RETRY, **asdict(of_failure(error)))
    else:
        answer = _answered(response, secrets)
    return replace(
        answer,
        headers_sent={name: masked(value.encode(), secrets).decode() for name, value in all_headers.items()},
        milliseconds=round((time.monotonic() - started) * 1000),
    )


def outcome_of(status: int) -> Outcome:
    """Return what a status means for the transmission; an unknown one is retried."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.REJECTED if status in _REJECTED else Outcome.RETRY


@cache
def _public_pool() -> PoolManager:
    return new_pool(allow_private=False, https_only=False)


def _answered(response: BaseHTTPResponse, secrets: Sequence[str]) -> Answer:
    address, tls = peer(response)
    # One secret more is read than is kept, so that one across the cut is known.
    body = read_body(response, MOST_ANSWER_BYTES + longest_spelling(secrets))
    return Answer(
        outcome=outcome_of(response.status),
        **asdict(_diagnosis(response, secrets)),
        status=response.status,
        body=masked(body, secrets, most=MOST_ANSWER_BYTES),
        content_type=_masked_header(response, "Content-Type", secrets)[:MOST_CONTENT_TYPE],
        address=address,
        tls=tls,
        retry_after=retry_after_seconds(response),
    )


def _diagnosis(response: BaseHTTPResponse, secrets: Sequence[str]) -> Diagnosis:
    target = _masked_header(response, "Location", secrets)
    if response.status in _REDIRECTS and 0 < len(target) <= MOST_LOCATION:
        return of_redirect(target)
    return of_status(response.status)


def _masked_header(response: BaseHTTPResponse, name: str, secrets: Sequence[str]) -> str:
    """Return an answer's header with the secrets masked; http.client reads headers as ISO 8859-1."""
    value = response.headers.get(name, "").encode("latin-1", "replace")
    return masked(value, secrets).decode("latin-1")
