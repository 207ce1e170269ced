"""Thousands of mad requests: never a 5xx, never a row from a refused one, every error a problem+json."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.end_to_end.processes import Running, granian, gunicorn
from tests.fuzz.judge import Judge, call
from tests.fuzz.raw import Answered, Raw, exchange, make_raw
from tests.fuzz.requests import Request, make
from tests.fuzz.words import JSON, MULTIPART, NAMES
from tests.served import FORM, SECRET, signed

SEED = 20261123
BULK = 6_000
CONNECTIONS = 300
EXAMPLES = 300


@pytest.mark.unmeasured
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
    assert judge.statuses.keys() == {200, 202, 400, 401, 404, 413, 422, 429}
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


@pytest.mark.unmeasured
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


class ChunkMalformed(Exception):
    """Is an error of a server's own, as gunicorn's are: no OSError."""


class Broken:
    """Is a body that its server cannot read to the end."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _size: int) -> bytes:
        raise self._error


@pytest.mark.parametrize("error", [OSError("Invalid chunk header"), ConnectionResetError(), ChunkMalformed()])
def test_whatever_a_server_raises_for_a_broken_body_is_a_400_without_a_row(
    make_app: Callable[..., Flask], error: Exception
) -> None:
    app = make_app()
    body = {"wsgi.input": Broken(error), "CONTENT_LENGTH": "10"}
    reply = app.test_client().post("/orders", environ_overrides=body, headers={"X-Shared-Secret": SECRET})

    assert (reply.status_code, reply.content_type) == (400, "application/problem+json")
    assert json.loads(reply.data)["detail"] == "The body broke off before its end; send it again."
    Judge().look_at_disk(app.extensions["receiver"])
