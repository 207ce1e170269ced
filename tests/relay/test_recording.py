"""order_received: a transmission is part of the caller's transaction, or on disk at once, and the engine sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from receiver.app.components import Kit
from receiver.relay import order_received
from receiver.storage.database import Beside, session_on
from receiver.storage.relay_models import TransmissionRow
from tests.hostile_servers import Server, serving
from tests.relay.relaying import ACCEPTED, an_order
from tests.served import Served, order_fields, served
from tests.stores import wait_until_locked_out


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(ACCEPTED) as running:
        yield running


def states(kit: Kit) -> list[tuple[str, str]]:
    with kit.database.read() as session:
        return [(row.order_id, row.state) for row in session.scalars(select(TransmissionRow))]


def test_an_order_handed_over_in_an_app_is_sent_by_its_engine(make_app: Callable[..., Flask], server: Server) -> None:
    app = make_app(RELAY_ALLOW_PRIVATE=True)
    with served(app, work=True) as shop:
        shop.kit.controls.save(enabled=True, url=server.url())
        with app.app_context():
            event_id = order_received(an_order(order_id="A-7"))
        shop.wait_for(lambda: states(shop.kit) == [("A-7", "delivered")])

    assert [request.headers["webhook-id"] for request in server.requests] == [event_id]


def test_with_a_session_it_is_part_of_the_callers_transaction(kit: Kit) -> None:
    with pytest.raises(RuntimeError), kit.database.write() as session:
        order_received(an_order(), session)
        raise RuntimeError
    assert states(kit) == []
    with kit.database.write() as session:
        order_received(an_order(order_id="A-7"), session)

    assert states(kit) == [("A-7", "held")]


def test_a_handler_may_pass_an_order_on_together_with_its_own_done(
    instance: Path, serve: Callable[..., Served], server: Server
) -> None:
    code = "from receiver.handlers import handler\nfrom receiver.relay import order_received\n\n"
    code += "@handler\ndef pass_on(order, context):\n    order_received(order, context.session)\n"
    (instance / "handlers" / "mine.py").write_text(code)
    shop = serve(HANDLERS=["pass_on"], RELAY_ALLOW_PRIVATE=True)
    shop.kit.controls.save(enabled=True, url=server.url())
    shop.post(order_fields(order_id="A-7"))
    shop.settled()
    shop.wait_for(lambda: states(shop.kit) == [("A-7", "delivered")])

    assert len(server.requests) == 1


@pytest.mark.postgresql  # SQLite has one writer
def test_an_order_that_is_held_while_sending_is_enabled_is_sent_too(kit: Kit) -> None:
    kit.controls.save(enabled=False, url="https://shop.example/orders")
    with ThreadPoolExecutor() as pool, closing(kit.database.begin_write(beside=Beside.ANYTHING)) as handlers:
        with session_on(handlers.connection) as session:
            order_received(an_order(order_id="A-7"), session)
        enabled = pool.submit(lambda: kit.controls.save(enabled=True, url="https://shop.example/orders"))
        wait_until_locked_out(kit.database, enabled)
        handlers.commit()
        enabled.result()

    assert states(kit) == [("A-7", "open")]
