"""The lines that `flask serve` prints, one for each POST."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from receiver.app.commands.serve import SHOWS_POSTS
from receiver.web import shown_posts
from tests.served import Served, order_fields, served
from tests.waiting import wait_for


@pytest.fixture
def shop(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Served]:
    monkeypatch.setenv(SHOWS_POSTS, request.param)
    app = make_app(HANDLERS=["register_customer", "email_customer"])
    shown_posts.init_app(app)
    with served(app, work=True) as shop:
        yield shop


@pytest.mark.parametrize("shop", ["1"], indirect=True)
def test_each_post_has_a_line_with_answer_order_amount_handlers_and_time(
    shop: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []

    def shown(of: str) -> str:
        def found() -> bool:
            lines.extend(capfd.readouterr().out.splitlines())
            return any(of in line for line in lines)

        wait_for(found)
        return next(line for line in lines if of in line)

    shop.post(order_fields(order_id="A-1"))
    accepted = shown("accepted")
    shop.post(order_fields(order_id="A-1"))
    shop.post({"colour": "red"})
    shop.post(order_fields(order_id="A-2"), prove=False)
    refused = shown("401")

    time, milliseconds = r"\d\d:\d\d:\d\d", r"\d+ ms"
    assert re.fullmatch(rf"{time}  202 accepted  A-1  \S+\d  → handlers: [\w ,]+  {milliseconds}", accepted)
    assert re.fullmatch(rf"{time}  200 duplicate  A-1  {milliseconds}", shown("duplicate"))
    assert re.fullmatch(rf"{time}  202 parked  rcp_\d+  order_id is missing  {milliseconds}", shown("parked"))
    assert re.fullmatch(rf"{time}  401 Not authenticated  {milliseconds}", refused)
    assert "ada" not in "".join(lines)


@pytest.mark.parametrize("shop", [""], indirect=True)
def test_nothing_is_shown_where_another_server_serves(shop: Served, capfd: pytest.CaptureFixture[str]) -> None:
    shop.post(order_fields())
    assert "accepted" not in capfd.readouterr().out


@pytest.mark.parametrize("shop", ["1"], indirect=True)
def test_a_line_that_cannot_be_shown_changes_no_answer(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_posts, "_line", lambda *_: 1 / 0)
    assert [shop.post(one).status for one in (order_fields(order_id="A-1"), {"colour": "red"})] == [202, 202]
    assert shop.post(order_fields(), prove=False).status == 401
