"""The receiver's report in an answer: read when it is ours, harmless when anybody wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.relay import report
from receiver.relay.report import HandlerReport, Report
from tests.relay.relaying import Relay
from tests.served import SECRET, Served


def test_the_answer_to_a_test_is_read_handler_by_handler(serve: Callable[..., Served]) -> None:
    shop = serve(RELAY_ALLOW_PRIVATE=True)
    relay = Relay(shop.kit)
    relay.controls.save(enabled=True, url=shop.url)
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.add(session, relay.controls.reveal(), now=datetime.now(UTC))
    relay.now = datetime.now(UTC)
    relay.transmissions.send_test()
    read = report.read(relay.attempts()[0].body)

    assert read is not None
    assert read.status == "tested"
    assert read.order_id.startswith("TEST-")
    assert read.receipt.startswith("rcp_")
    assert [(one.name, one.state) for one in read.handlers] == [
        ("register_customer", "done"),
        ("email_customer", "done"),
        ("notify_merchant", "done"),
    ]
    assert all(one.ms is not None for one in read.handlers)
    assert SECRET not in repr(read)


def test_an_answer_without_handlers_is_a_report_too() -> None:
    assert report.read('{"status": "accepted", "order_id": "A-1", "receipt": "rcp_1"}') == Report(
        status="accepted", order_id="A-1", receipt="rcp_1", handlers=()
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>thank you</html>",
        "[]",
        "null",
        '"tested"',
        '{"status": "ok"}',
        '{"status": ["tested"]}',
        '{"status": {}}',
        "[" * 20_000,
        '{"status": "tested", "handlers": ' + "9" * 9000,
        '{"status": "tested", "order_id": ' + "9" * 9000 + "}",
    ],
)
def test_what_is_not_of_this_kits_receiver_is_no_report(body: str) -> None:
    assert report.read(body) is None


def test_what_a_hostile_receiver_puts_into_a_report_is_cut_and_can_be_shown() -> None:
    handlers = [
        {"name": "x" * 9000, "state": ["done"], "detail": "\ud800<script>", "ms": True},
        {"name": "y", "ms": -1},
        {"name": "z", "ms": 10**40},
        "no handler",
        *[{"name": "w", "ms": 5}] * 9000,
    ]
    read = report.read(json.dumps({"status": "tested", "order_id": 7, "receipt": None, "handlers": handlers}))

    assert read is not None
    assert (read.order_id, read.receipt, len(read.handlers)) == ("", "", 99)
    assert read.handlers[0] == HandlerReport(name="x" * 500, state="", detail="?<script>", ms=None)
    assert [one.ms for one in read.handlers[1:4]] == [None, None, 5]
    assert report.read('{"status": "tested", "handlers": {"name": "x"}}') == Report("tested", "", "", ())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"status": st.just("tested"), "handlers": _JSON, "receipt": _JSON, "order_id": _JSON}))
def test_no_answer_breaks_the_reading(content: object) -> None:
    read = report.read(json.dumps(content))

    assert read is not None
    repr(read).encode()
