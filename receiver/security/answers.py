"""Answers of other servers: what is read of one, and how long it asks to wait."""

from __future__ import annotations

import math

from urllib3 import Retry
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.response import BaseHTTPResponse

#: Longest Retry-After that is honoured, in seconds.
LONGEST_RETRY_AFTER = 24 * 3600
#: Most bytes of an answer's body that are kept.
MOST_ANSWER_BYTES = 20_000

_RETRY = Retry(retry_after_max=LONGEST_RETRY_AFTER)


def retry_after_seconds(response: BaseHTTPResponse) -> int | None:
    """Return how long an answer's Retry-After asks to wait, a day at most; None without one that can be read."""
    try:
        seconds = _RETRY.get_retry_after(response)
    except (InvalidHeader, ValueError, OverflowError):  # the last two come from int() and datetime in urllib3
        return None
    return None if seconds is None else math.ceil(seconds)


def read_body(response: BaseHTTPResponse, most: int = MOST_ANSWER_BYTES) -> bytes:
    """Read at most this many bytes of a body and close the answer. A body that breaks off isn't an error.

    Its status has come by then, and that decides.
    """
    body = b""
    try:
        while len(body) < most and (chunk := response.read1(most - len(body))):
            body += chunk
    except HTTPError:
        pass
    finally:
        response.close()
    return body
