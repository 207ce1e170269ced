"""The receivers to copy take what the relay sends and refuse everything else, each run as it stands."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.orders import encode_form
from receiver.orders.sample import order_of_the_guide
from receiver.relay.failures import Outcome
from receiver.security.signing import new_secret
from receiver.web.console import receivers
from receiver.web.console.receivers import EXAMPLES
from tests.running_examples import COMMANDS, FOLDER, Running
from tests.served import SECRET, signed

ORDER = order_of_the_guide()
BODY = encode_form(ORDER)

Start = Callable[..., Running]


@pytest.fixture(params=[example.file_name for example in EXAMPLES], scope="module")
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the example with a secret; once for all tests with the same one."""
    program = COMMANDS[request.param](0)[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    started: dict[str, Running] = {}

    def run(secret: str = SECRET) -> Running:
        if secret not in started:
            log = tmp_path_factory.mktemp("example") / "printed"
            started[secret] = Running(request.param, secret, log)
            started[secret].wait()
        return started[secret]

    yield run
    for running in started.values():
        running.stop()


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_it_takes_what_the_relay_sends_and_prints_the_order(start: Start, encoding: str) -> None:
    order = ORDER.model_copy(update={"order_id": f"{encoding}-1001"})
    answer = start().relayed(order, SECRET, encoding=encoding)
    assert (answer.status, answer.outcome) == (200, Outcome.DELIVERED)
    assert f"order {encoding}-1001" in start().printed


def test_it_takes_a_secret_that_another_service_made(start: Start) -> None:
    secret = "a shared secret of 27 chars"
    assert start(secret).relayed(ORDER, secret).status == 200


def test_it_takes_an_order_while_the_secret_is_replaced(start: Start) -> None:
    """Both secrets sign, so the receiver may hold either."""
    assert start().relayed(ORDER, new_secret(), SECRET).status == 200
    assert start().relayed(ORDER, SECRET, new_secret()).status == 200


def test_it_refuses_a_changed_byte(start: Start) -> None:
    changed = BODY.replace(b"total=67.35", b"total=07.35")
    assert changed != BODY
    assert start().posted(BODY, signed(BODY)) == 200
    assert start().posted(changed, signed(BODY)) == 401


def test_it_refuses_another_id_or_time_than_was_signed(start: Start) -> None:
    headers = signed(BODY)
    assert start().posted(BODY, headers | {"webhook-id": "evt_other"}) == 401
    later = str(int(headers["webhook-timestamp"]) + 1)
    assert start().posted(BODY, headers | {"webhook-timestamp": later}) == 401


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1), timedelta(minutes=-6)])
def test_it_refuses_a_time_that_is_off(start: Start, off: timedelta) -> None:
    answer = start().relayed(ORDER, SECRET, now=datetime.now(UTC) + off)
    assert (answer.status, answer.outcome) == (401, Outcome.RETRY)


def test_it_refuses_a_wrong_secret(start: Start) -> None:
    assert start().relayed(ORDER, new_secret()).status == 401
    assert start().relayed(ORDER, new_secret(), new_secret()).status == 401


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_it_refuses_a_missing_header(start: Start, missing: str) -> None:
    headers = {name: value for name, value in signed(BODY).items() if name != missing}
    assert start().posted(BODY, headers) == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "yesterday"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-timestamp", "\xb2\xb2"),
        ("webhook-id", "\xe9"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "\xe9\xff"),
        ("webhook-signature", "v1"),
    ],
)
def test_it_refuses_a_malformed_header_and_goes_on(start: Start, name: str, value: str) -> None:
    assert start().posted(BODY, signed(BODY) | {name: value}) == 401
    assert start().posted(BODY, signed(BODY)) == 200


def test_it_refuses_what_names_no_order(start: Start) -> None:
    for body in (b"hello=world", b""):
        assert start().posted(body, signed(body)) == 400
    for body in (b"{}", b"[]"):
        assert start().posted(body, signed(body) | {"Content-Type": "application/json"}) == 400


def test_it_takes_nothing_but_posts(start: Start) -> None:
    assert start().posted(b"", {}, method="GET") in {405, 501}


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_without_a_secret_it_takes_nothing(start: Start, secret: str) -> None:
    """An empty key would let everybody sign; PHP says so at each POST, the others do not start."""
    example = start(secret)
    if example.is_running:
        assert example.posted(BODY, signed(BODY)) == 503
    assert "Set ORDER_SECRET" in example.printed


def test_the_secret_itself_is_proof_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_SECRET", SECRET)
    has_secret = runpy.run_path(str(FOLDER / "receiver.py"))["has_secret"]
    assert has_secret({"order_id": "1", "shared_secret": SECRET})
    assert not has_secret({"order_id": "1", "shared_secret": SECRET[:-1]})
    assert not has_secret({"order_id": "1"})


def test_what_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    example = Running("receiver.py", SECRET, tmp_path / "printed")
    try:
        example.wait()
        assert example.posted(b"", {"Content-Length": "999999"}) == 413
    finally:
        example.stop()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.language)
def test_it_is_short_enough_to_read(example: receivers.Example) -> None:
    lines = example.code.splitlines()
    assert len(lines) <= 60
    assert example.command in lines[0] or example.command in lines[1]
