"""A key that a card number was in, or that was made of one, tells nothing of it and is the same for each copy."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pytest

from receiver.dispatch.replay import Replay
from receiver.orders.idempotency import blinded_key
from tests.served import SECRET, Served, order_fields, signed
from tests.stores import stored

CARD, OTHER_CARD = "4111111111111111", "4012888800021111"


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def database(instance: Path) -> str:
    """Give all that is on disk."""
    return stored(instance)


@pytest.mark.parametrize("name", ["event_id", "webhook-id", "order_id", "parked"])
def test_a_key_made_of_a_card_number_tells_nothing_of_it_and_still_finds_the_copy(
    idle: Served, instance: Path, name: str
) -> None:
    def post(number: str) -> str:
        fields = order_fields(order_id="A-1") | ({name: number} if name.endswith("_id") else {})
        if name == "parked":
            fields = {"OrderRef": number}
        if name == "webhook-id":  # only what is not understood goes by it
            fields = {"OrderRef": "A-1"}
        body = urlencode(fields).encode()
        headers = signed(body, webhook_id=number) if name == "webhook-id" else None
        reply = idle.post(body, headers=headers)
        return str(reply.content["status"])

    kept = "parked" if name in {"parked", "webhook-id"} else "accepted"
    assert [post(CARD), post(CARD), post(OTHER_CARD), post(OTHER_CARD)] == [kept, "duplicate", kept, "duplicate"]
    assert [(row.copies, row.same_id_as) for row in idle.rows()] == [(1, None), (1, None)]
    for row in idle.rows():
        assert row.key.startswith("hmac_")
        assert sha256(CARD.encode()).hexdigest() not in row.key
    assert CARD not in database(instance)
    assert OTHER_CARD not in database(instance)


@pytest.mark.parametrize("begin", ["", "m_"])
@pytest.mark.parametrize("fields", [{"OrderRef": "A-1"}, order_fields(order_id="A-1")], ids=["parked", "understood"])
def test_a_secret_in_the_webhook_id_is_stored_nowhere_and_the_copy_is_found(
    idle: Served, instance: Path, begin: str, fields: dict[str, str]
) -> None:
    body = urlencode(fields).encode()
    first, again = (idle.post(body, headers=signed(body, webhook_id=f"{begin}{SECRET}")) for _ in "ab")
    assert [reply.status for reply in (first, again)] == [202, 200]
    (row,) = idle.rows()
    assert row.webhook_id == f"{begin}[secret {row.fingerprint}]"
    assert SECRET not in database(instance)


def test_another_installation_makes_another_key_of_the_same_number() -> None:
    """There are so few card numbers that a plain digest of one could be looked up."""
    assert len({blinded_key(CARD, letter * 32) for letter in "aab"}) == 2


def test_parked_orders_whose_ids_were_masked_alike_stay_two(idle: Served, instance: Path) -> None:
    for number in (CARD, OTHER_CARD):
        assert idle.post({"OrderRef": number}).content["status"] == "parked"
    (instance / "config.toml").write_text('[sources.shopintegrator.fields]\norder_id = "OrderRef"\n')
    receipts = [row.receipt for row in idle.rows()]
    done = list(
        Replay(sources=idle.kit.sources, registry=idle.kit.registry, bodies=idle.kit.bodies).each(
            idle.kit.database, receipts
        )
    )

    assert [one.state for one in done] == ["open", "open"]
    assert [row.order_id for row in idle.rows()] == ["****1111", "****1111"]
    assert len({row.key for row in idle.rows()}) == 2
