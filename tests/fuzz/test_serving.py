"""Hundreds of requests from each generator to a served receiver; `make fuzz` sends 100,000.

What's wrong must end it: an answer of 500, a row without proof or without a receipt, a secret that's repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.fuzz.judge import Judge, call
from tests.fuzz.raw import Answered, Raw
from tests.fuzz.requests import Request
from tests.fuzz.serving import Round, lines, of_memory
from tests.fuzz.tally import Tally
from tests.served import FORM, SECRET, order_fields

SEED = 20261123
EACH = Round(by_bytes=300, by_hypothesis=150, by_schemathesis=60)
PROBLEM = "application/problem+json"
RECEIPT = {"status": "accepted", "receipt": "r-1"}


@pytest.mark.unmeasured
def test_hundreds_of_each_sort_are_answered_rightly() -> None:
    *sorts, rows, memory = lines(EACH, SEED, rounds=1)

    assert [int(line.tried) for line in sorts[:2]] == [*EACH[:2]]
    assert int(sorts[2].tried) > 30
    assert min(int(line.taken) for line in sorts[:2]) > 50
    assert min(int(line.refused) for line in sorts) > 0
    assert [line.wrong for line in sorts] == ["0"] * 3
    assert int(rows.tried) > 100
    assert memory.what.startswith("memory of the serving process: ")


def answered(status: int, /, **content: Any) -> Callable[[Judge], None]:
    """Return what shows a judge one answer."""
    kind = "application/json" if status < 400 else PROBLEM
    return lambda judge: judge.look(status, kind, json.dumps(content).encode(), "a request")


def without_proof(judge: Judge) -> None:
    answer = Answered(202, "application/json", json.dumps(RECEIPT).encode())
    judge.look_at_served(answer, Raw(b"", 1, is_unproven=True), "a request")


def twice(judge: Judge) -> None:
    for _ in range(2):
        answered(202, **RECEIPT)(judge)


def from_the_server(judge: Judge) -> None:
    judge.look_at_served(Answered(502, "text/html", b"Bad Gateway"), Raw(b"", None), "a request")


@pytest.mark.parametrize(
    "wrong",
    [
        answered(500, type="about:blank", title="Error", status=500, detail="?"),
        answered(503, type="about:blank", title="Busy", status=503, detail="?"),
        answered(401, type="about:blank", title="No", status=401, detail=f"not {SECRET}"),
        answered(401, type="about:blank", title="No", status=400, detail="?"),
        answered(401, error="no"),
        answered(200, **RECEIPT),
        without_proof,
        twice,
        from_the_server,
    ],
)
def test_a_wrong_answer_is_found(wrong: Callable[[Judge], None]) -> None:
    with pytest.raises(AssertionError, match="a request"):
        wrong(Judge())


def test_a_row_that_no_receipt_was_given_for_is_found(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    judge, kit = Judge(), app.extensions["receiver"]
    body = "&".join(f"{name}={value}" for name, value in order_fields().items()).encode()
    answer = call(app, Request({"x-shared-secret": SECRET, "content-type": FORM}, body))
    with pytest.raises(AssertionError):
        judge.look_at_disk(kit)

    judge.look(*answer, "a request")
    judge.look_at_disk(kit)
    answered(202, status="accepted", receipt="of no row")(judge)
    with pytest.raises(AssertionError):
        judge.look_at_disk(kit)


def test_what_was_too_busy_is_in_the_last_column() -> None:
    judge = Judge(may_be_busy=True)
    with (tally := Tally(judge)):
        answered(503, type="about:blank", title="Busy", status=503, detail="?")(judge)
        answered(202, **RECEIPT)(judge)
    assert tally.line("busy")[2:] == ("1", "0", "1")


def test_memory_that_grows_to_the_end_is_wrong() -> None:
    assert of_memory([200, 240, 250, 251]).wrong == "0"
    assert of_memory([200, 240, 290, 340]).wrong == "1"
