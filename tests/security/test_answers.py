"""What is read of other servers' answers."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from urllib3 import HTTPResponse

from receiver.security.answers import read_body, retry_after_seconds

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("0", 0),
        ("120", 120),
        ("86400", 86400),
        ("86401", 86400),
        ("999999999", 86400),
        ("9999999999", 86400),
        ("-1", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Mon, 23 Nov 2026 14:06:00 GMT", 60),
        ("Mon, 23 Nov 2026 14:06:00 -0000", 60),
        ("Mon, 23 Nov 2026 15:06:00 +0100", 60),
        ("Monday, 23-Nov-26 14:06:00 GMT", 60),
        ("Mon, 23 Nov 2026 14:00:00 GMT", 0),
        ("Wed, 25 Nov 2026 14:05:00 GMT", 86400),
        ("Mon, 23 Nov 99999 14:06:00 GMT", None),
        ("Mon, 99 Nov 2026 14:06:00 GMT", 86400),
    ],
)
def test_retry_after_is_read_in_both_forms_and_cut_to_a_day(
    value: str, seconds: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", NOW.timestamp)
    assert retry_after_seconds(HTTPResponse(headers={"Retry-After": value})) == seconds


def test_an_answer_without_retry_after_asks_for_nothing() -> None:
    assert retry_after_seconds(HTTPResponse()) is None


@pytest.mark.parametrize(("sent", "kept"), [(b"", b""), (b"abc", b"abc"), (b"abcde", b"abcd")])
def test_a_body_is_read_up_to_the_cap_and_closed(sent: bytes, kept: bytes) -> None:
    response = HTTPResponse(BytesIO(sent), preload_content=False)
    assert (read_body(response, 4), response.closed) == (kept, True)
