"""Send one order in one signed POST, and return the answer or why there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
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
from receiver.storage.clock import utc_now

#: Characters of an answer's Content-Type that are kept.
MOST_CONTENT_TYPE = 200
#: Characters of the longest redirect target that's shown to the merchant.
MOST_LOCATION = 300

_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Answer(Diagnosis):
    """The result of one attempt. It holds no secret, even if the other side repeated one."""

    #: As sent, with secrets masked.
    headers_sent: Mapping[str, str] = field(default_factory=dict)
    milliseconds: int = 0
    #: This and all fields below are empty if no answer came.
    status: int | None = None
    #: At most 20,000 bytes of the body.
    body: bytes = b""
    content_type: str = ""
    #: The IP address of the other side.
    address: str | None = None
    #: For example ``TLSv1.3``; None without TLS.
    tls: str | None = None
    #: Seconds that the receiver asked to wait, a day at most.
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
    """Encode an order, sign its bytes with every secret, newest first, and send them.

    The order's ``event_id`` becomes the webhook-id. ``secret_field`` names a field in which the newest secret is sent
    too. ``now`` is aware; it's the current time unless given. Raises ValueError if the event_id can't be signed.
    """
    extra_fields = [(secret_field, secrets[0])] if secret_field else []
    body = (encode_json if encoding == "json" else encode_form)(order, extra_fields)
    timestamp = int((now or utc_now()).timestamp())
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
    """POST exactly these bytes with these headers. A network error is returned as an Answer too.

    ``pool`` comes from ``http_client.new_pool``; the default one connects to public addresses only. ``secrets`` are
    masked wherever they appear in the Answer.
    """
    all_headers = {"User-Agent": "order-relay/1", "Connection": "close", **headers}
    started = time.monotonic()
    try:
        check_url(url, https_only=False, allow_private=True)
        response = (pool or new_pool(allow_private=False, https_only=False)).urlopen(
            "POST",
            url,
            redirect=False,
            body=body,
            headers=all_headers,
            preload_content=False,
            decode_content=False,
        )
    except (HTTPError, ConfigurationError) as error:
        answer = Answer(**asdict(of_failure(error)))
    else:
        answer = _answered(response, secrets)
    return replace(
        answer,
        headers_sent={name: masked(value.encode(), secrets).decode() for name, value in all_headers.items()},
        milliseconds=round((time.monotonic() - started) * 1000),
    )


def _answered(response: BaseHTTPResponse, secrets: Sequence[str]) -> Answer:
    address, tls = peer(response)
    # Read more than is kept: a secret that the cut would split is then found whole, and masked.
    body = read_body(response, MOST_ANSWER_BYTES + longest_spelling(secrets))
    return Answer(
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
    if 300 <= response.status < 400 and 0 < len(target) <= MOST_LOCATION:
        return of_redirect(target)
    return of_status(response.status)


def _masked_header(response: BaseHTTPResponse, name: str, secrets: Sequence[str]) -> str:
    """Return an answer's header with the secrets masked."""
    # http.client decodes headers as Latin-1, so this gives back the bytes that came.
    value = response.headers.get(name, "").encode("latin-1", "replace")
    return masked(value, secrets).decode("latin-1")
