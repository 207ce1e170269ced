"""A source's shop is answered what it wants to hear, once its POST is on disk, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from receiver.sources import AskLater, Confirmed, Question, Reply, Source, source_kind
from receiver.sources.kinds import Kinds
from receiver.sources.registry import Sources
from tests.served import FORM, SECRET, Served, order_fields

PROOF = {"X-Shared-Secret": SECRET, "Content-Type": FORM}


def post(shop: Served, body: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
    answer = urllib3.request("POST", f"{shop.url}/tpay", body=body, headers=headers, retries=False)
    return answer.status, answer.headers["Content-Type"], answer.data


def test_each_2xx_is_the_text_of_the_table_and_each_refusal_says_why(serve: Callable[..., Served]) -> None:
    shop = serve(sources={"tpay": {"reply": "TRUE"}})
    true = (200, "text/plain; charset=utf-8", b"TRUE")
    body = "&".join(f"{name}={value}" for name, value in order_fields(order_id="A-1").items())
    assert [post(shop, body, PROOF) for _ in range(2)] == [true, true]
    assert post(shop, "Ref=7&Sum=3", PROOF) == true
    assert post(shop, body.replace("A-1", "A-2") + "&test=true", PROOF) == true
    assert post(shop, body, {"Content-Type": FORM})[:2] == (401, "application/problem+json")
    assert [(row.state, row.test) for row in shop.settled()] == [("done", False), ("parked", False), ("done", True)]
    assert shop.post(order_fields()).content["status"] == "accepted"


def test_a_kind_says_it_for_all_its_sources(tmp_path: Path) -> None:
    @source_kind("curt")
    class Curt(Source):
        """A shop that wants to hear nothing at all."""

        reply = Reply("", "text/html")

    tables = {"a": {"kind": "curt"}, "b": {"kind": "curt", "reply": "OK"}}
    sources = Sources(tmp_path, tables, None, Kinds({"curt": Curt}))
    own, of_table = sources.get("a"), sources.get("b")
    assert (own.reply_of_table, own.reply) == (None, Reply("", "text/html"))
    assert of_table.reply_of_table == Reply("OK")


@pytest.mark.parametrize("reply", [7, "x" * 1_001])
def test_what_is_no_reply_is_named(tmp_path: Path, reply: object) -> None:
    (problem,) = Sources(tmp_path, {"shop": {"reply": reply}}).problems
    assert problem.startswith("[sources.shop] in config.toml: reply must be text of at most 1000 characters")


class AsksNobody(Question):
    """A question that names no host."""

    def ask(self, *_: object) -> Confirmed:
        raise AskLater("There's nobody to ask.")


@pytest.mark.parametrize("wrong", ["api.shop.example", Question, AsksNobody()])
def test_a_kind_whose_question_names_no_host_is_refused_at_the_start(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a Question with hosts"):

        @source_kind("odd")
        class Odd(Source):
            asks = wrong


def test_a_kind_whose_reply_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match="must be a Reply"):

        @source_kind("odd")
        class Odd(Source):
            reply = "TRUE"  # type: ignore[assignment]
