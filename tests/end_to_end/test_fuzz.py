"""Thousands of mad requests: never a 5xx, never a row from a refused one, every error a problem+json."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.end_to_end.processes import Running, granian, gunicorn
from tests.fuzz import properties
from tests.fuzz.judge import Judge, call
from tests.fuzz.raw import exchange, make_raw
from tests.fuzz.requests import is_unproven, make
from tests.served import SECRET

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
        requests = [make(SEED, number) for number in range(BULK)]
        for number, answer in enumerate(pool.map(lambda request: call(app, request), requests, chunksize=1)):
            what = f"request {number} of seed {SEED}"
            judge.look(*answer, what, is_unproven=is_unproven(requests[number]))

    judge.look_at_disk(app.extensions["receiver"])
    assert judge.statuses.keys() == {200, 202, 400, 401, 404, 413, 422, 429}
    assert judge.statuses[202] > BULK / 5


@pytest.mark.unmeasured
def test_whatever_properties_a_request_has_its_answer_is_one_of_the_table(make_app: Callable[..., Flask]) -> None:
    app = make_app(HANDLERS=["notify_merchant"])
    judge = Judge()

    properties.each(
        lambda request: judge.look(*call(app, request), repr(request), is_unproven=is_unproven(request)),
        examples=EXAMPLES,
        number=1,
    )
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
                judge.look_at_served(answer, raws[number], f"connection {number} of seed {SEED}")

    assert shop.process.stop() == 0
    judge.look_at_disk(shop.kit)
    assert judge.statuses.keys() >= {200, 202, 400, 401}
    assert "Traceback" not in shop.log


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
