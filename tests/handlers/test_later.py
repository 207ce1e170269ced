"""What a handler has written later, with "done": without a session of its own, and as surely."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from receiver.storage.account_models import AccountRow
from receiver.storage.models import CustomerRow, HandlerRow
from tests.served import Served, order_fields

Run = Callable[..., Served]


@pytest.fixture
def run(serve: Callable[..., Served], instance: Path) -> Run:
    """Run one handler, whose lines these are, on an order."""

    def run(lines: str, **fields: str) -> Served:
        body = "".join(f"    {line}\n" for line in lines.splitlines())
        code = f"from receiver.handlers import Skip, handler\n\n\n@handler\ndef mine(order, context):\n{body}"
        (instance / "handlers" / "mine.py").write_text(code)
        shop = serve(work=False, HANDLERS=["mine"])
        shop.post(order_fields(**fields))
        while shop.kit.processor.run_next():
            pass
        return shop

    return run


def only(shop: Served) -> HandlerRow:
    rows: list[HandlerRow] = shop.rows(HandlerRow)
    (row,) = rows
    return row


def emails(shop: Served) -> list[str]:
    return [customer.email for customer in shop.rows(CustomerRow)]


def test_a_customer_is_registered_with_done_and_the_session_stays_closed(run: Run) -> None:
    shop = run("new = context.register_customer(later=True)\nreturn f'{new} {context._work.opened_at}'")
    assert (only(shop).detail, emails(shop)) == ("True None", ["ada@shop.example"])
    shop.post(order_fields(order_id="second"))
    while shop.kit.processor.run_next():
        pass
    assert [row.detail for row in shop.rows(HandlerRow)] == ["True None", "False None"]


def test_asked_twice_only_the_first_is_new(run: Run) -> None:
    shop = run("return str([context.register_customer(later=True) for _ in range(2)])")
    assert (only(shop).detail, len(emails(shop))) == ("[True, False]", 1)


@pytest.mark.parametrize("end", ["raise ValueError('wrong')", "raise Skip('not wanted')"])
def test_nothing_is_written_of_a_handler_that_is_not_done(run: Run, end: str) -> None:
    shop = run(f"context.register_customer(later=True)\n{end}")
    assert only(shop).state in {"retrying", "skipped"}
    assert emails(shop) == []


def test_nothing_is_written_for_a_test_order(run: Run) -> None:
    shop = run("return str(context.register_customer(later=True))", test="true")
    assert (only(shop).state, emails(shop)) == ("done", [])


def test_a_session_that_is_opened_after_it_sees_the_customer(run: Run) -> None:
    shop = run(
        "from receiver.storage.models import CustomerRow\n"
        "context.register_customer(later=True)\n"
        "return str(context.session.query(CustomerRow).count())"
    )
    assert (only(shop).detail, emails(shop)) == ("1", ["ada@shop.example"])


def test_with_an_open_session_it_is_written_in_it(run: Run) -> None:
    shop = run("context.session\nreturn str([context.register_customer(later=True) for _ in range(2)])")
    assert (only(shop).detail, len(emails(shop))) == ("[True, False]", 1)


@pytest.mark.parametrize("later", [True, False])
def test_a_link_is_made_for_a_customer_whom_the_same_handler_registers(run: Run, later: bool) -> None:
    shop = run(f"context.register_customer(later={later})\nreturn context.claim_url()")
    assert "/account/claim/" in (only(shop).detail or "")
    with shop.kit.database.read() as session:
        assert session.scalars(select(AccountRow)).one().link_made_at is not None


def test_a_link_is_noted_so_that_the_next_comes_an_hour_later(run: Run) -> None:
    shop = run("context.register_customer()")
    links = shop.kit.account_links
    with shop.kit.database.write() as session:
        customer = session.scalars(select(CustomerRow)).one()
        made, soon, late = (customer.registered_at + timedelta(minutes=minutes) for minutes in (0, 59, 61))
        assert links.fresh(session, customer, now=made)
        assert links.fresh(session, customer, now=soon) is None
        assert links.for_new_customer(session, customer.email, now=soon) is None
        assert links.for_new_customer(session, customer.email, now=late)


def test_what_cannot_be_written_is_a_failed_attempt(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("receiver.handlers.context.apply_order", fails)
    shop = run("context.register_customer(later=True)")
    assert (only(shop).state, only(shop).detail) == ("retrying", "its work could not be committed: RuntimeError: no")
