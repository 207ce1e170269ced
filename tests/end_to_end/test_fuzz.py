"""Thousands of mad requests: never a 5xx, never a row from a refused one, every error a problem+json."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from receiver import ledger
from receiver.errors import ReceiverError
from receiver.explanation import explain_receipt
from receiver.kit import Kit
from receiver.models import OrderRow, RefusalRow
from receiver.orders import Order
from tests.end_to_end.fuzz_raw import Answered, Raw, exchange, make_raw
from tests.end_to_end.fuzz_requests import Request, make
from tests.end_to_end.fuzz_words import JSON, MULTIPART, NAMES
from tests.end_to_end.processes import Running, granian, gunicorn
from tests.served import FORM, SECRET, signed

SEED = 20261123
BULK = 18_000
CONNECTIONS = 600
EXAMPLES = 1_000
NEW = {"accepted": 202, "parked": 202, "ignored": 200, "tested": 200}


class Judge:
    """Looks at every answer, and at the end at what is on disk."""

    def __init__(self) -> None:
        self.receipts: set[str] = set()
        self.copied: set[str] = set()
        self.statuses: Counter[int] = Counter()

    def look(self, status: int, content_type: str, body: bytes, what: str) -> None:
        """Judge one answer of the receiver's own; ``what`` names the request."""
        self.statuses[status] += 1
        assert status < 500, what
        assert SECRET.encode() not in body, what
        content: dict[str, Any] = json.loads(body)
        if status < 400:
            self._is_receipt(status, content, what)
        else:
            assert content_type == "application/problem+json", what
            assert content["status"] == status, what
            assert content.keys() == {"type", "title", "status", "detail"}, what

    def _is_receipt(self, status: int, content: dict[str, Any], what: str) -> None:
        if content["status"] == "duplicate":
            assert status == 200, what
            self.copied.add(content["receipt"])
        else:
            assert status == NEW[content["status"]], what
            assert content["receipt"] not in self.receipts, what
            self.receipts.add(content["receipt"])

    def look_at_disk(self, kit: Kit) -> None:
        """Every receipt given out is one row and every row one receipt; each can be read again and shown."""
        kit.refusals.flush()
        with kit.database.read() as session:
            rows = list(session.scalars(select(OrderRow)))
            assert {row.receipt for row in rows} == self.receipts >= self.copied, f"seed {SEED}"
            for row in rows:
                assert SECRET not in row.fields + (row.order or "") + row.notes + (row.errors or "")
                if row.order is not None:
                    Order.model_validate_json(row.order)
            for row in rows[::40]:
                json.dumps(ledger.whole(row))
                with suppress(ReceiverError):
                    explain_receipt(session, row.receipt, kit.sources).as_text()
            refusals = list(session.scalars(select(RefusalRow)))
        assert not any(SECRET in refusal.detail + refusal.headers + refusal.fields for refusal in refusals)


def call(app: Flask, request: Request) -> tuple[int, str, bytes]:
    """Call the app as a WSGI server does; gives status, Content-Type and body of its answer."""
    started: list[tuple[int, str]] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        started.append((int(status[:3]), dict(headers)["Content-Type"]))
        return io.BytesIO().write

    with closing(app.wsgi_app(environ, start_response)) as answer:  # type: ignore[type-var]
        body = b"".join(answer)
    ((status, content_type),) = started
    return status, content_type, body


def test_no_request_of_thousands_breaks_the_receiver_or_leaves_a_row_that_it_was_not_told_of(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(HANDLERS=["notify_merchant"])
    judge = Judge()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: call(app, make(SEED, number)), range(BULK), chunksize=1)
        for number, answer in enumerate(answers):
            judge.look(*answer, f"request {number} of seed {SEED}")

    judge.look_at_disk(app.extensions["receiver"])
    assert judge.statuses.keys() == {200, 202, 400, 401, 404, 413, 415, 422}
    assert judge.statuses[202] > BULK / 5


HEADER_VALUES = st.text(st.characters(codec="latin-1"), max_size=60)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), LEAVES, max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner | st.lists(inner, max_size=3), max_size=3),
    max_leaves=8,
)
FORMS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=10), st.text(max_size=30)), max_size=8)
BODIES = st.one_of(
    st.tuples(DOCUMENTS.map(lambda document: json.dumps(document).encode()), st.just(JSON)),
    st.tuples(FORMS.map(lambda fields: urlencode(fields, errors="surrogatepass").encode()), st.just(FORM)),
    st.tuples(st.binary(max_size=300), st.sampled_from([FORM, JSON, MULTIPART]) | HEADER_VALUES),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Make a request of any body, proven or with any headers in the proof's place."""
    body, content_type = draw(BODIES)
    proof = draw(st.sampled_from(["secret", "signature", "any"]))
    headers = {"x-shared-secret": SECRET} if proof == "secret" else signed(body, webhook_id=draw(st.just("evt_1")))
    if proof == "any":
        headers |= draw(st.dictionaries(st.sampled_from([*headers, "x-shared-secret"]), HEADER_VALUES, max_size=3))
    return Request({**headers, "content-type": content_type}, body)


def test_whatever_properties_a_request_has_its_answer_is_one_of_the_table(make_app: Callable[..., Flask]) -> None:
    app = make_app(HANDLERS=["notify_merchant"])
    judge = Judge()

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(requests())
    def is_answered(request: Request) -> None:
        judge.look(*call(app, request), repr(request))

    is_answered()
    judge.look_at_disk(app.extensions["receiver"])
    assert judge.statuses.keys() >= {202, 400, 401}


@pytest.mark.parametrize("server", [granian, gunicorn])
def test_no_bytes_on_a_socket_break_a_served_receiver(
    launch: Callable[..., Running], server: Callable[..., list[str]]
) -> None:
    shop = launch(server, EMBEDDED_WORKER="false", HANDLERS="notify_merchant")
    port = urlsplit(shop.base).port or 0
    judge = Judge()
    raws = [make_raw(SEED, number) for number in range(CONNECTIONS)]
    with ThreadPoolExecutor(8) as pool:
        for number, answers in enumerate(pool.map(lambda raw: exchange(port, raw), raws)):
            for answer in answers:
                _look_at_served(judge, answer, raws[number], f"connection {number} of seed {SEED}")

    assert shop.process.stop() == 0
    judge.look_at_disk(shop.kit)
    assert judge.statuses.keys() >= {200, 202, 400, 401}
    assert "Traceback" not in shop.log


def _look_at_served(judge: Judge, answer: Answered, raw: Raw, what: str) -> None:
    """Judge an answer; what is not sound HTTP the server may refuse by itself, in words of its own."""
    is_servers_own = answer.status >= 400 and answer.content_type != "application/problem+json"
    if is_servers_own and raw.answers is None:
        assert answer.status < 500, what
    else:
        judge.look(answer.status, answer.content_type, answer.body, what)
