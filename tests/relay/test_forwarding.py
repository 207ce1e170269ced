"""Forwarding: a handler sends an order on to further servers, whatever the Order Control does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.relay import notices, queries
from receiver.relay.forwarding import record
from receiver.security import signing
from receiver.storage.relay_models import TransmissionRow
from tests.hostile_servers import reply
from tests.relay.relaying import START, Relay, Shop, an_order
from tests.served import SECRET, Served, order_fields, signed


def forward(relay: Relay, shop: Shop, *, key: str = "evt_1", order_id: str = "A-7", event_id: str = "evt_1") -> None:
    order = an_order(order_id=order_id, event_id=event_id)
    with relay.kit.database.write() as session:
        record(session.connection(), order, shop.server.url(), source="shopintegrator", key=key, now=relay.now)


def test_it_is_sent_signed_with_the_forward_secret_under_the_events_own_id(relay: Relay, shop: Shop) -> None:
    forward(relay, shop)
    assert relay.work() == 1

    request = shop.requests[0]
    proof = signing.verify(
        webhook_id=request.headers["webhook-id"],
        timestamp=request.headers["webhook-timestamp"],
        signature=request.headers["webhook-signature"],
        body=request.body,
        secrets=[SECRET],
        now=START,
    )
    assert proof.webhook_id == "evt_1"
    assert b"shared_secret" not in request.body
    assert (relay.row().state, relay.row().target) == ("delivered", shop.server.url())


def test_the_same_order_goes_to_one_url_once_and_another_of_the_same_event_id_too(relay: Relay, shop: Shop) -> None:
    """Two sources may number their events alike."""
    forward(relay, shop)
    forward(relay, shop)
    forward(relay, shop, key="another order's", order_id="B-7")
    relay.work()

    assert [row.order_id for row in relay.rows()] == ["A-7", "B-7"]


def test_what_came_under_a_known_event_id_goes_under_an_id_of_its_own(relay: Relay, shop: Shop) -> None:
    """The other server may take one id for one event, and drop the second."""
    forward(relay, shop)
    forward(relay, shop, key="evt_1.00ff", order_id="B-7")
    relay.work()

    ids = [request.headers["webhook-id"] for request in shop.requests]
    assert (ids[0], len(set(ids))) == ("evt_1", 2)


def test_orders_of_two_sources_that_are_counted_alike_go_under_two_ids(relay: Relay, shop: Shop) -> None:
    """A receiver drops the second POST of one id as a copy."""
    order = an_order(order_id="A-7", event_id=None)
    with relay.kit.database.write() as session:
        for source in ("shopintegrator", "another", "another"):
            record(session.connection(), order, shop.server.url(), source=source, key="evt_made_up", now=relay.now)
    relay.work()

    assert len({request.headers["webhook-id"] for request in shop.requests}) == len(shop.requests) == 2


def test_an_event_id_that_cannot_be_signed_is_sent_under_one_made_from_it(relay: Relay, shop: Shop) -> None:
    forward(relay, shop, event_id="évt 1")
    forward(relay, shop, event_id="évt 2", key="evt_2")
    relay.work()

    assert [row.state for row in relay.rows()] == ["delivered", "delivered"]
    assert len({request.headers["webhook-id"] for request in shop.requests}) == 2


def test_it_is_never_held_and_counts_for_nothing_of_the_control(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("500 No")
    forward(enabled, shop)
    enabled.controls.save(enabled=False)
    assert enabled.states() == ["open"]
    enabled.controls.save(enabled=True)
    enabled.work_until(timedelta(days=6))

    assert enabled.states() == ["failed"]
    assert len(enabled.attempts()) == 10
    control = enabled.controls.read()
    assert (control.enabled, control.failing_since, control.disabled_because) == (True, None, None)


def test_a_receiver_that_wants_no_more_ends_it_and_leaves_the_control_enabled(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("410 Gone")
    forward(enabled, shop)
    enabled.work()

    assert enabled.states() == ["failed"]
    assert enabled.controls.read().enabled


def test_one_that_failed_is_reported_with_its_target_and_can_be_sent_again(relay: Relay, shop: Shop) -> None:
    """Also where no Order Control was ever saved."""
    shop.answer = reply("422 No")
    forward(relay, shop)
    relay.work()
    with relay.kit.database.write() as session:
        (trouble,) = notices.standing(session)
        assert trouble.lines[0].startswith(f"Order A-7, forwarded to {shop.server.url()}: ")
        assert queries.resend(session, [relay.row().event_id], now=relay.now) == 1
        assert queries.summary(queries.find(session, relay.row().event_id))["target"] == shop.server.url()

    assert relay.states() == ["open"]


def test_without_the_secret_it_waits_and_says_what_to_set(relay: Relay, shop: Shop) -> None:
    relay.transmissions._forward_secret = ""
    forward(relay, shop)
    relay.work()

    assert shop.requests == []
    assert relay.row().state == "open"
    assert relay.attempts()[0].next_step.startswith("Set FORWARD_SECRET ")


def forwarding_to(serve: Callable[..., Served], instance: Path, *urls: str, **settings: str) -> Served:
    code = "from receiver.handlers import handler\n\n\n@handler\ndef send_on(order, context):\n"
    code += "".join(f"    context.forward({url!r})\n" for url in urls)
    (instance / "handlers" / "send_on.py").write_text(code)
    return serve(work=False, **{"HANDLERS": ["send_on"], "RELAY_ALLOW_PRIVATE": True, **settings})


def test_a_handler_forwards_together_with_its_done(serve: Callable[..., Served], instance: Path, shop: Shop) -> None:
    url = shop.server.url()
    served = forwarding_to(serve, instance, url, url, f"{url}?b", FORWARD_SECRET=SECRET)
    served.post(order_fields(order_id="A-7"))
    assert served.kit.processor.run_next()
    assert [row.target for row in served.rows(TransmissionRow)] == [url, f"{url}?b"]
    while served.kit.transmissions.run_next():
        pass

    assert {row.state for row in served.rows(TransmissionRow)} == {"delivered"}
    assert len(shop.requests) == 2


def test_a_test_transmission_is_not_forwarded(serve: Callable[..., Served], instance: Path, shop: Shop) -> None:
    served = forwarding_to(serve, instance, shop.server.url(), FORWARD_SECRET=SECRET)
    body = b"order_id=T-1&test=true"
    assert served.post(body, headers=signed(body)).content["status"] == "tested"

    assert served.handler_states() == {"send_on": "done"}
    assert served.rows(TransmissionRow) == []


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        ("https://other.example/in", {}, "FORWARD_SECRET is empty"),
        ("ftp://other.example/in", {"FORWARD_SECRET": SECRET}, "ConfigurationError"),
        ("https://me.example/orders/two", {"FORWARD_SECRET": SECRET}, "is this receiver itself"),
    ],
)
def test_what_cannot_be_forwarded_to_fails_the_attempt_in_words(
    serve: Callable[..., Served], instance: Path, url: str, settings: dict[str, str], said: str
) -> None:
    served = forwarding_to(serve, instance, url, PUBLIC_URL="https://me.example", **settings)
    served.post(order_fields())
    served.kit.processor.run_next()

    assert served.handler_states() == {"send_on": "retrying"}
    (row,) = served.rows()[-1:]
    with served.kit.database.read() as session:
        assert said in (session.get_one(type(row), row.id).handlers[0].detail or "")
    assert served.rows(TransmissionRow) == []


def test_a_forward_secret_that_is_too_short_is_reported(make_app: Callable[..., object]) -> None:
    kit: Kit = make_app(FORWARD_SECRET="short").extensions["receiver"]  # type: ignore[attr-defined]
    assert any(problem.startswith("FORWARD_SECRET can't be a secret: ") for problem in kit.paused)
    with pytest.raises(ConfigurationError, match="FORWARD_SECRET is empty"):
        kit.services.forwarding.check("https://other.example/")
