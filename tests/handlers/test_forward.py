"""The handler that FORWARD_URLS switches on: the battery, where orders go, and wrong URLs told at the start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.app.serving import start
from receiver.storage.relay_models import TransmissionRow
from receiver.testing import HandlerCases, MakeOrder, RunHandler
from tests.hostile_servers import Server, reply, serving
from tests.served import SECRET, order_fields

ACCEPTED = reply("202 Accepted", b'{"status": "accepted"}', Content_Type="application/json")


@pytest.fixture
def stock() -> Iterator[Server]:
    with serving(ACCEPTED) as server:
        yield server


@pytest.fixture
def broken() -> Iterator[Server]:
    with serving(reply("500 No")) as server:
        yield server


class TestForward(HandlerCases):
    name = "forward"

    @pytest.fixture
    def handler_settings(self, broken: Server, stock: Server) -> dict[str, Any]:
        urls = [broken.url(), stock.url(), stock.url()]
        return {"FORWARD_URLS": urls, "FORWARD_SECRET": SECRET, "HTTP_ALLOW": ["127.0.0.1"]}

    def test_a_server_in_trouble_keeps_no_other_from_its_order(
        self, run_handler: RunHandler, broken: Server, stock: Server
    ) -> None:
        trial = run_handler(self.name, order_fields(order_id="A-7"))
        assert (trial.state, trial.detail) == ("done", "on its way to 2 servers")
        while trial.kit.transmissions.run_next():
            pass

        with trial.kit.database.read() as session:
            states = {row.target: row.state for row in session.query(TransmissionRow)}
        assert states == {broken.url(): "open", stock.url(): "delivered"}
        (request,) = stock.requests
        assert b"A-7" in request.body
        assert request.headers["webhook-signature"].startswith("v1,")

    def test_a_test_transmission_is_not_sent_on(self, run_handler: RunHandler, make_order: MakeOrder) -> None:
        trial = run_handler(self.name, make_order(test=True))

        assert trial.detail == "a test, not sent to 2 servers"
        assert trial.rows_of_its_own()["transmissions"] == 0

    def test_without_servers_it_is_skipped(self, run_handler: RunHandler) -> None:
        trial = run_handler(self.name, FORWARD_URLS=[])

        assert (trial.state, trial.detail) == ("skipped", "[handlers.forward] urls is not set")


@pytest.mark.parametrize(
    ("urls", "secret", "said"),
    [
        (
            ["https://stock.example/in"],
            "",
            ["FORWARD_SECRET is empty, and orders are never forwarded unsigned. Set it to "],
        ),
        (["https://a.example", "https://b.example"], "", ["FORWARD_SECRET is empty"]),
        (
            ["https://a.example", "ftp://b.example"],
            SECRET,
            ["[handlers.forward] URL number 2: The URL must begin with "],
        ),
        (
            ["https://127.0.0.1/in"],
            SECRET,
            ["[handlers.forward] URL number 1: The URL's address is this machine itself"],
        ),
        (
            ["https://me.example/orders"],
            SECRET,
            ["[handlers.forward] URL number 1: https://me.example/orders is this "],
        ),
        (
            [7],
            SECRET,
            ["[handlers.forward] urls.0 (FORWARD_URLS): Input should be a valid string. Orders "],
        ),
        (
            ["http://[", "  "],
            SECRET,
            [
                "[handlers.forward] URL number 1: ",
                "[handlers.forward] URL number 2: ",
            ],
        ),
    ],
)
def test_wrong_urls_are_told_at_the_start_and_by_the_doctor(
    make_app: Callable[..., Any], urls: list[Any], secret: str, said: list[str]
) -> None:
    app = make_app(FORWARD_URLS=urls, FORWARD_SECRET=secret, PUBLIC_URL="https://me.example")
    kit: Kit = app.extensions["receiver"]

    assert all(problem.startswith(words) for problem, words in zip(kit.paused, said, strict=True))
    doctor = [finding.text for finding in diagnose(kit, quickly=True) if finding.state == "wrong"]
    assert set(kit.paused) <= set(doctor)
    assert start(kit, work=False), "orders are taken all the same"
    kit.engine.stop()


def test_it_runs_once_urls_are_given(make_app: Callable[..., Any]) -> None:
    assert make_app().extensions["receiver"].registry.get("forward") is None
    kit: Kit = make_app(FORWARD_URLS=["https://stock.example/in"], FORWARD_SECRET=SECRET).extensions["receiver"]
    assert (kit.problems, kit.paused) == ([], [])
    assert kit.registry.get("forward") is not None
