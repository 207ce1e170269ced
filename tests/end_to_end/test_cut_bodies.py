"""Bodies that break off on their way to real servers: none is taken as complete."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from receiver import create_app
from receiver.storage.models import OrderRow, RefusalRow
from tests.end_to_end.cutting import CUTS, Ending, garbled, post_in_chunks, whole, without_the_last_chunk
from tests.end_to_end.processes import Process, Running, granian, gunicorn, running, server_environment
from tests.served import FORM, SECRET, order_fields, signed
from tests.smtp_servers import free_port

#: So many of the cuts, the first ones, reset the connection.
_RESETS = 2
_BOUNDARY = "two-hyphens-come-before-me"


class Sent(NamedTuple):
    """A body in one encoding, and its headers."""

    body: bytes
    headers: dict[str, str]


def form(fields: dict[str, str]) -> Sent:
    """Encode as a form, proven by the secret in a header."""
    return Sent(urlencode(fields).encode(), {"Content-Type": FORM, "X-Shared-Secret": SECRET})


def form_with_secret(fields: dict[str, str]) -> Sent:
    """Encode as a form, proven by the secret in a field."""
    return Sent(urlencode({"secret": SECRET} | fields).encode(), {"Content-Type": FORM})


def signed_form(fields: dict[str, str]) -> Sent:
    """Encode as a form, proven by a signature over its bytes."""
    body = urlencode(fields).encode()
    return Sent(body, {"Content-Type": FORM, **signed(body)})


def json_object(fields: dict[str, str]) -> Sent:
    """Encode as JSON, proven by the secret in a header."""
    return Sent(json.dumps(fields).encode(), {"Content-Type": "application/json", "X-Shared-Secret": SECRET})


def multipart(fields: dict[str, str]) -> Sent:
    """Encode as multipart, proven by the secret in a header."""
    parts = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return Sent(f"{parts}--{_BOUNDARY}--\r\n".encode(), {"Content-Type": kind, "X-Shared-Secret": SECRET})


PLAIN_FORMS = (form, form_with_secret)
OTHERS = (signed_form, json_object, multipart)


@pytest.fixture(scope="module", params=[granian, gunicorn], ids=["granian", "gunicorn"])
def shop(
    request: pytest.FixtureRequest, fresh_instance: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Serve one instance by each server for all the tests, without running jobs."""
    folder = tmp_path_factory.mktemp("cut")
    shutil.copytree(fresh_instance, folder / "instance")
    port, log = free_port(), folder / "server.log"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(folder / "instance"))
        kit = create_app({"SHARED_SECRETS": [SECRET]}).extensions["receiver"]
        variables = server_environment(SHARED_SECRETS=SECRET, EMBEDDED_WORKER="false")
    command = request.param(port, workers=1)
    with running(port, kit, lambda: Process(command, variables, log), log) as server:
        yield server
    kit.database.engine.dispose()


@pytest.fixture(scope="module")
def knows_the_end(shop: Running) -> bool:
    """Tell whether the server says that a chunked body broke off."""
    return "gunicorn" in shop.request("GET", "/healthz").headers.get("Server", "")


def port_of(shop: Running) -> int:
    return int(shop.base.rpartition(":")[2])


def left_behind(shop: Running, sent: Sequence[Sent]) -> tuple[list[tuple[int, str]], list[OrderRow]]:
    """POST each with a cut of its own and wait until each has left an order or a refusal.

    Give status and outcome of each, and the orders.
    """
    orders, refusals = len(shop.rows()), len(shop.rows(RefusalRow))
    replies = [post_in_chunks(port_of(shop), one.body, one.headers, cut) for one, cut in zip(sent, CUTS, strict=True)]
    total = orders + refusals + len(CUTS)
    shop.wait_for(lambda: len(shop.rows()) + len(shop.rows(RefusalRow)) == total)
    return [(status, str(answer.get("status"))) for status, answer in replies], shop.rows()[orders:]


@pytest.mark.parametrize("make", PLAIN_FORMS, ids=lambda make: make.__name__)
def test_a_cut_form_is_never_taken_for_an_order(
    shop: Running, knows_the_end: bool, make: Callable[[dict[str, str]], Sent]
) -> None:
    """A sender that resets the connection hears no answer: 0."""
    replies, orders = left_behind(shop, [make(order_fields()) for _ in CUTS])

    assert {order.state for order in orders} <= {"parked"}
    answered = {status if knows_the_end else (status, outcome) for status, outcome in replies[_RESETS:]}
    assert answered == ({400} if knows_the_end else {(202, "parked")})
    assert not (knows_the_end and orders)


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
def test_any_other_cut_body_is_refused(
    shop: Running, knows_the_end: bool, make: Callable[[dict[str, str]], Sent]
) -> None:
    replies, orders = left_behind(shop, [make(order_fields()) for _ in CUTS])

    assert orders == []
    by_its_signature = make is signed_form and not knows_the_end
    assert {status for status, _ in replies[_RESETS:]} == {401 if by_its_signature else 400}


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
def test_a_whole_chunked_body_that_carries_its_end_is_accepted(
    shop: Running, make: Callable[[dict[str, str]], Sent]
) -> None:
    sent = make(order_fields())

    status, answer = post_in_chunks(port_of(shop), sent.body, sent.headers, whole)

    assert (status, answer["status"]) == (202, "accepted")


@pytest.mark.parametrize("make", PLAIN_FORMS, ids=lambda make: make.__name__)
def test_a_whole_chunked_form_is_accepted_where_the_server_knows_its_end_and_else_parked(
    shop: Running, knows_the_end: bool, make: Callable[[dict[str, str]], Sent]
) -> None:
    sent = make(order_fields())

    first, again = (post_in_chunks(port_of(shop), sent.body, sent.headers, whole) for _ in range(2))

    assert (first[0], first[1]["status"]) == (202, "accepted" if knows_the_end else "parked")
    assert (again[0], again[1]["status"], again[1]["receipt"]) == (200, "duplicate", first[1]["receipt"])


@pytest.mark.parametrize("make", [json_object, multipart], ids=lambda make: make.__name__)
def test_json_and_multipart_are_refused_wherever_they_are_cut(
    shop: Running, make: Callable[[dict[str, str]], Sent]
) -> None:
    sent = make(order_fields())
    ends = sent.body.rindex(b"}") if make is json_object else sent.body.rindex(b"--")
    before = len(shop.rows())

    for at in range(1, ends, 7):
        status, _ = post_in_chunks(port_of(shop), sent.body, sent.headers, without_the_last_chunk, at=at)
        assert status == 400, sent.body[:at]

    assert len(shop.rows()) == before


@pytest.mark.parametrize("cut", [without_the_last_chunk, garbled], ids=lambda cut: cut.__name__)
def test_a_body_of_which_nothing_arrived_is_refused(shop: Running, cut: Ending) -> None:
    status, _ = post_in_chunks(port_of(shop), b"", {"Content-Type": FORM, "X-Shared-Secret": SECRET}, cut)

    assert status == 400
