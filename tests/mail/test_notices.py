"""Alerts to the merchant about problems: at the first one of a kind, then at most once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from receiver.app.components import Kit
from receiver.mail import outbox, queries
from receiver.mail.message import Draft
from receiver.mail.notices import TROUBLES
from receiver.storage.models import HandlerRow, MailRow, NoticeRow, OrderRow
from tests.mail_pages import flat
from tests.served import FORM, SECRET, Served, order_fields, signed

PARKED = "We couldn't read an order from shopintegrator"
SEVERAL_PARKED = "We couldn't read orders from shopintegrator"
FAILED = "Order A-1 (Ada, £19.99): x failed after 3 attempts"
STANDS_FAILED = "A handler failed on an order"
WRONG_SECRET = "A POST was refused because of a wrong shared secret"
MAIL_FAILED = "An email about an order couldn't be sent"
SAME_ID = "Two different orders have the same id"
CARD_DATA = "A POST was refused because it contained card data"
CARD = "4111 1111 1111 1111"


@pytest.fixture
def idle(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve without running jobs; every look is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    return serve(work=False, SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")


def headlines(shop: Served) -> list[str]:
    """Look for problems, and return the headlines of all alerts so far."""
    shop.kit.refusals.flush()
    shop.kit.notices.look()
    mails = [mail for mail in shop.rows(MailRow) if mail.handler is None]
    assert {mail.recipient for mail in mails} <= {"owner@laden.de"}
    return [mail.subject.removeprefix("Corner Shop: ") for mail in mails]


def a_day_later(kit: Kit) -> None:
    """Date the last alert of every kind back by a day."""
    with kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) - timedelta(days=1)))


def park(shop: Served, ref: str) -> None:
    assert shop.post({"OrderRef": ref}).content["status"] == "parked"


def fail(shop: Served, **changes: str) -> None:
    """Store an order whose handler failed on every attempt."""
    shop.post(order_fields(**changes))
    order = shop.rows()[-1]
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == order.id).values(state="failed", due_at=None))
        session.execute(delete(HandlerRow).where(HandlerRow.order_pk == order.id))
        now = datetime.now(UTC)
        session.add(
            HandlerRow(
                order_pk=order.id,
                name="x",
                position=1,
                state="failed",
                attempts=3,
                waiting_since=now,
                changed_at=now,
            )
        )


def fail_mail(shop: Served, *, test: bool = False) -> None:
    """Store an email about an order that failed on every attempt."""
    shop.post(order_fields())
    draft = Draft(message_id=f"<{token_hex(8)}@laden.de>", recipient="ada@shop.example", subject="x", text="y")
    with shop.kit.database.write() as session:
        outbox.add(session, draft, now=datetime.now(UTC), order_pk=shop.rows()[-1].id, handler="x", test=test)
        session.flush()
        session.execute(update(MailRow).where(MailRow.message_id == draft.message_id).values(state="failed"))


def send_wrong_secret(shop: Served) -> None:
    assert shop.post(order_fields(), headers={"X-Shared-Secret": "another shop's secret"}).status == 401


def send_card_data(shop: Served) -> None:
    assert shop.post(order_fields(card_number=CARD, cvv="123")).status == 422


def cause(shop: Served, kind: str, number: int) -> None:
    """Cause one more problem of a kind."""
    if kind == "mail_failed":
        fail_mail(shop)
    elif kind == "same_id":
        for part in "ab":
            shop.post(order_fields(order_id=f"S-{number}{part}", event_id=f"evt_{number}"))
    elif kind == "wrong_secret":
        send_wrong_secret(shop)
    else:
        send_card_data(shop)


def test_without_a_problem_nobody_is_emailed(idle: Served) -> None:
    idle.post(order_fields())
    idle.post(order_fields(payment_status="unpaid"))

    assert headlines(idle) == []


@pytest.mark.parametrize("kind", [trouble.kind for trouble in TROUBLES if trouble.kind != "handler_failed"])
def test_each_kind_is_mailed_at_once_then_at_most_once_a_day(idle: Served, kind: str) -> None:
    idle.post(order_fields())
    headline = next(trouble.headline for trouble in TROUBLES if trouble.kind == kind)

    cause(idle, kind, 1)
    assert headlines(idle) == [headline]
    cause(idle, kind, 2)
    cause(idle, kind, 3)
    assert headlines(idle) == [headline]

    a_day_later(idle.kit)
    assert headlines(idle) == [headline] * 2
    a_day_later(idle.kit)
    assert headlines(idle) == [headline] * 2
    assert len({mail.message_id for mail in idle.rows(MailRow) if mail.order_pk is None}) == 2


def test_of_one_id_only_two_completed_real_orders_are_mailed_about(idle: Served) -> None:
    """An order that was pending and is paid, a test, a refund and what is not understood are normal."""
    fields = order_fields(order_id="A-1", event_id="E1")
    for changes in ({"payment_status": "pending"}, {"test": "true"}, {}, {"event": "order.refunded"}):
        idle.post(fields | changes)
        assert SAME_ID not in headlines(idle)

    idle.post(fields | {"total": "much"})
    assert SAME_ID not in headlines(idle)
    idle.post(fields | {"order_id": "A-2"})
    assert SAME_ID in headlines(idle)


def test_two_orders_of_one_id_are_a_problem_for_a_day(idle: Served) -> None:
    cause(idle, "same_id", 1)
    assert standing_headlines(idle, later=timedelta(hours=23)) == [SAME_ID]
    assert standing_headlines(idle, later=timedelta(hours=25)) == []


def test_the_kinds_do_not_hold_each_other_back(idle: Served) -> None:
    park(idle, "R-1")
    assert headlines(idle) == [PARKED]
    send_card_data(idle)
    fail(idle, order_id="A-1")
    send_wrong_secret(idle)

    assert sorted(headlines(idle)) == sorted([PARKED, FAILED, WRONG_SECRET, CARD_DATA])


def test_the_mail_says_what_to_do_and_repeats_no_value(idle: Served) -> None:
    park(idle, "R-77")
    headlines(idle)
    (mail,) = idle.rows(MailRow)

    assert "flask orders explain rcp_00000001" in flat(mail.text)
    assert "flask orders replay --parked" in flat(mail.text)
    assert "Open the console: http://127.0.0.1:8000/admin/parked?group=" in flat(mail.text)
    assert "R-77" not in mail.text
    assert SECRET not in mail.text
    assert (mail.state, mail.order_pk, mail.test) == ("open", None, False)


def test_a_parked_order_that_was_mapped_meanwhile_is_no_problem(idle: Served) -> None:
    park(idle, "R-1")
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="open"))

    assert headlines(idle) == []


def test_a_failed_mail_that_was_resent_is_no_problem_any_more(idle: Served) -> None:
    fail_mail(idle)
    now = datetime.now(UTC)
    with idle.kit.database.write() as session:
        assert MAIL_FAILED in [trouble.headline for trouble in idle.kit.notices.standing(session, now)]
        queries.resend(session, 1, now=now)
        assert idle.kit.notices.standing(session, now) == []


def test_a_notice_that_cannot_be_sent_calls_for_no_other(idle: Served) -> None:
    park(idle, "R-1")
    assert headlines(idle) == [PARKED]
    with idle.kit.database.write() as session:
        session.execute(update(MailRow).values(state="failed"))
    assert headlines(idle) == [PARKED]


def test_test_transmissions_never_count(idle: Served) -> None:
    fail(idle, order_id="A-1", test="true")
    fail_mail(idle, test=True)
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.test).values(state="parked"))
    assert headlines(idle) == []

    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(test=False))
    assert sorted(headlines(idle)) == sorted([PARKED, FAILED])


def test_a_wrong_secret_is_no_problem_before_the_first_good_post(idle: Served) -> None:
    """Until the first good POST set-up is under way, and both sides are still being given the secret."""
    idle.post(order_fields(test="true"))
    send_wrong_secret(idle)
    assert headlines(idle) == []

    idle.post(order_fields())
    assert headlines(idle) == []
    send_wrong_secret(idle)
    assert headlines(idle) == [WRONG_SECRET]


def test_a_changed_body_and_a_retired_secret_count_as_wrong_secret(idle: Served) -> None:
    idle.post(order_fields())
    changed = {**signed(b"order_id=2"), "X-Shared-Secret": SECRET, "Content-Type": FORM}
    assert idle.post(b"order_id=1", headers=changed).status == 401
    assert headlines(idle) == [WRONG_SECRET]

    retired = "a secret of last year"
    with idle.kit.database.write() as session:
        idle.kit.shared_secrets.add(session, retired, now=datetime.now(UTC), ends_at=datetime.now(UTC))
    a_day_later(idle.kit)
    assert idle.post(order_fields(), headers={"X-Shared-Secret": retired}).status == 401
    assert headlines(idle) == [WRONG_SECRET] * 2


def test_a_secret_of_another_url_counts_as_wrong_secret(serve: Callable[..., Served]) -> None:
    other = "a secret of another url"
    shop = serve(work=False, sources={"uk": {"secrets": [other]}})
    shop.post(order_fields())
    assert shop.post(order_fields(), headers={"X-Shared-Secret": other}).status == 401
    shop.kit.refusals.flush()
    with shop.kit.database.read() as session:
        (trouble,) = shop.kit.notices.standing(session, datetime.now(UTC))
    assert trouble.kind == "wrong_secret"


def test_a_clock_that_is_off_or_an_unreadable_body_is_not_mailed(idle: Served) -> None:
    idle.post(order_fields())
    body = b"order_id=1"
    idle.post(body, headers=signed(body, at=datetime.now(UTC) - timedelta(hours=1)))
    idle.post(b"order_id=%ff")

    assert headlines(idle) == []


def test_two_processes_that_look_at_the_same_moment_tell_the_merchant_once(
    idle: Served, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = serve(work=False, SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")
    park(idle, "R-1")
    write = idle.kit.database.write

    def write_after_the_other() -> Any:
        other.kit.notices.look()
        return write()

    monkeypatch.setattr(idle.kit.database, "write", write_after_the_other)
    assert headlines(idle) == [PARKED]
    assert headlines(other) == [PARKED]


def test_it_looks_every_fifteen_seconds_only(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.kit.notices.look()
    park(shop, "R-1")
    shop.kit.notices.look()
    assert shop.rows(MailRow) == []

    shop.kit.notices._look_again_at -= 15
    shop.kit.notices.look()
    assert len(shop.rows(MailRow)) == 1


def test_an_alert_of_a_time_when_the_clock_was_a_year_ahead_holds_no_other_back(idle: Served) -> None:
    park(idle, "R-1")
    headlines(idle)
    with idle.kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) + timedelta(days=365)))
    park(idle, "R-2")
    assert headlines(idle) == [PARKED, SEVERAL_PARKED]


def test_each_alert_is_remembered(idle: Served) -> None:
    park(idle, "R-1")
    park(idle, "R-2")
    headlines(idle)

    with idle.kit.database.read() as session:
        (notice,) = session.scalars(select(NoticeRow))
    assert (notice.kind.partition(":")[0], notice.last_seen) == ("order_parked", idle.rows()[-1].id)
    assert notice.mailed_at is not None
    assert datetime.now(UTC) - notice.mailed_at < timedelta(seconds=30)


def standing_headlines(shop: Served, *, later: timedelta = timedelta(0)) -> list[str]:
    shop.kit.refusals.flush()
    with shop.kit.database.read() as session:
        return [trouble.headline for trouble in shop.kit.notices.standing(session, datetime.now(UTC) + later)]


def test_a_problem_exists_until_it_is_fixed(idle: Served) -> None:
    assert standing_headlines(idle) == []
    park(idle, "77")
    fail(idle)
    assert standing_headlines(idle, later=timedelta(days=30)) == [STANDS_FAILED, PARKED]
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="done"))
        session.execute(update(HandlerRow).values(state="done"))
    assert standing_headlines(idle) == []


def test_a_refusal_is_a_problem_for_a_day(idle: Served) -> None:
    idle.post(order_fields())
    idle.post(order_fields(), headers={"X-Shared-Secret": "not the right secret"})
    idle.post(order_fields(card_number=CARD, cvv="123"))
    assert standing_headlines(idle) == [WRONG_SECRET, CARD_DATA]
    assert standing_headlines(idle, later=timedelta(days=1)) == []
