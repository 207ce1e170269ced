"""context.once: an effect outside is asked for before, and happens at most once."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.storage.models import HandlerRow, OnceRow
from tests.served import Served, order_fields, signed


@pytest.fixture
def run(serve: Callable[..., Served], instance: Path) -> Callable[[str], Served]:
    """Serve with one handler of this body, post an order and run it."""

    def start(body: str) -> Served:
        code = "from receiver.handlers import handler\n\n\n@handler\ndef send(order, context):\n"
        (instance / "handlers" / "send.py").write_text(code + textwrap.indent(textwrap.dedent(body), "    "))
        shop = serve(work=False, HANDLERS=["send"])
        shop.post(order_fields(order_id="A-1"))
        shop.kit.processor.run_next()
        return shop

    return start


def details(shop: Served) -> list[str | None]:
    return [row.detail for row in shop.rows(HandlerRow)]


def test_the_first_who_asks_is_told_yes_and_all_others_no(run: Callable[[str], Served]) -> None:
    shop = run('return f\'{context.once("ada@shop.example")} {context.once("ada@shop.example")}\'')
    assert details(shop) == ["True False"]
    shop.post(order_fields(order_id="A-2"))
    shop.kit.processor.run_next()
    with shop.kit.database.write() as session:
        again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies, handler="send")
        again.one(session, "rcp_00000001")
    shop.kit.processor.run_next()

    assert details(shop) == ["False False", "False False"]
    (kept,) = shop.rows(OnceRow)
    assert (kept.handler, kept.order_pk, len(kept.digest)) == ("send", 1, 64)
    assert "ada@" not in repr(vars(kept))


def test_an_attempt_that_fails_after_it_has_used_the_key_up(run: Callable[[str], Served]) -> None:
    shop = run("assert not context.once('key')")

    assert [row.state for row in shop.rows(HandlerRow)] == ["retrying"]
    assert len(shop.rows(OnceRow)) == 1


def test_another_handler_has_keys_of_its_own(kit: Kit) -> None:
    assert UnitOfWork(kit.database).use_up("one", "key", order_pk=None)
    assert UnitOfWork(kit.database).use_up("two", "key", order_pk=None)
    assert not UnitOfWork(kit.database).use_up("one", "key", order_pk=None)


def test_of_many_who_ask_at_one_time_one_is_told_yes(kit: Kit) -> None:
    def ask(_number: int) -> bool:
        return UnitOfWork(kit.database).use_up("one", "key", order_pk=None)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(40))) == 1


def test_a_test_transmission_is_told_yes_and_keeps_nothing(run: Callable[[str], Served]) -> None:
    shop = run("return str(context.test and context.once('key'))")
    body = b"order_id=T-1&test=true"
    assert shop.post(body, headers=signed(body)).content["handlers"][0]["detail"] == "True"
    assert shop.rows(OnceRow) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("context.session\ncontext.once('key')", "Use context.once before context.session"),
        ("context.once('')", "context.once: key must be text, not ''"),
        ("context.once(7)", "context.once: key must be text, not 7"),
    ],
)
def test_asking_wrongly_fails_the_attempt_in_words(run: Callable[[str], Served], body: str, said: str) -> None:
    shop = run(body)
    assert said in (details(shop)[0] or "")
    assert shop.rows(OnceRow) == []


def test_nobody_asks_once_the_attempt_is_over(kit: Kit) -> None:
    work = UnitOfWork(kit.database)
    work.check_not_begun()
    work.close()
    with pytest.raises(RuntimeError, match="This attempt is over"):
        work.check_not_begun()
