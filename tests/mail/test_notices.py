"""Alerts to the merchant about problems: about each case or, of other kinds, at the first one and then once a day."""

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
from receiver.storage.columns import milliseconds
from receiver.storage.models import HandlerRow, MailRow, NoticeRow, OrderRow
from tests.mail_pages import flat
from tests.served import FORM, SECRET, Served, order_fields, signed

PARKED = "We couldn't read an order from shopintegrator"
PARKED_1 = "We couldn't read order rcp_00000001 from shopintegrator: order_id is missing"
PARKED_2 = "We couldn't read order rcp_00000002 from shopintegrator: order_id is missing"
FAILED = "Order A-1 (Ada, £19.99): x failed after 3 attempts"
STANDS_FAILED = "A handler failed on an order"
UNKNOWN_SECRET = "A POST to the source shopintegrator was refused: unknown secret"
BODY_CHANGED = "A POST to the source shopintegrator was refused: body changed"
STANDS_WRONG_SECRET = "A POST was refused because of a wrong shared secret"
MAIL_FAILED = "Order A-1 (Ada, £19.99): an email couldn't be sent"
STANDS_MAIL_FAILED = "An email about an order couldn't be sent"
SAME_ID = "Two different orders have the same id"
CARD_DATA = "A POST to the source shopintegrator was refused: card data"
STANDS_CARD_DATA = "A POST was refused because it contained card data"
CARD = "4111 1111 1111 1111"


@pytest.fixture
def idle(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve without running jobs; every look is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes between
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
    shop.post(order_fields(order_id="A-1"))
    draft = Draft(message_id=f"<{token_hex(8)}@laden.de>", recipient="ada@shop.example", subject="x", text="y")
    with shop.kit.database.write() as session:
        outbox.add(session, draft, now=datetime.now(UTC), order_pk=shop.rows()[-1].id, handler="x", test=test)
        session.flush()
        session.execute(update(MailRow).where(MailRow.message_id == draft.message_id).values(state="failed"))


def send_wrong_secret(shop: Served) -> None:
    assert shop.post(order_fields(), headers={"X-Shared-Secret": "another shop's secret"}).status == 401


def send_card_data(shop: Served) -> None:
    assert shop.post(order_fields(card_number=CARD, cvv="123")).status == 422


def send_same_id(shop: Served, number: int) -> None:
    for part in "ab":
        shop.post(order_fields(order_id=f"S-{number}{part}", event_id=f"evt_{number}"))


def test_without_a_problem_nobody_is_emailed(idle: Served) -> None:
    idle.post(order_fields())
    idle.post(order_fields(payment_status="unpaid"))

    assert headlines(idle) == []


def test_a_kind_without_cases_is_mailed_at_once_then_at_most_once_a_day(idle: Served) -> None:
    idle.post(order_fields())

    send_same_id(idle, 1)
    assert headlines(idle) == [SAME_ID]
    send_same_id(idle, 2)
    send_same_id(idle, 3)
    assert headlines(idle) == [SAME_ID]

    a_day_later(idle.kit)
    assert headlines(idle) == [SAME_ID] * 2
    a_day_later(idle.kit)
    assert headlines(idle) == [SAME_ID] * 2
    assert len({mail.message_id for mail in idle.rows(MailRow) if mail.order_pk is None}) == 2


@pytest.mark.parametrize(("cause", "headline"), [(fail_mail, MAIL_FAILED), (send_card_data, CARD_DATA)])
def test_each_case_is_mailed_at_once_and_once(idle: Served, cause: Callable[[Served], None], headline: str) -> None:
    idle.post(order_fields())
    for number in (1, 2, 3):
        cause(idle)
        assert headlines(idle) == [headline] * number
    a_day_later(idle.kit)
    assert headlines(idle) == [headline] * 3
    assert len({mail.message_id for mail in idle.rows(MailRow) if mail.handler is None}) == 3


def test_of_wrong_secrets_which_anybody_can_send_one_an_hour_is_mailed(idle: Served) -> None:
    idle.post(order_fields())
    for _ in range(3):
        send_wrong_secret(idle)
        assert headlines(idle) == [UNKNOWN_SECRET]
    with idle.kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) - timedelta(minutes=61)))
    assert headlines(idle)[1].startswith("2 POSTs were refused because of a wrong secret since ")
    assert len(headlines(idle)) == 2


def test_the_mail_about_a_failed_email_leads_to_it_and_to_its_order(idle: Served) -> None:
    fail_mail(idle)
    assert headlines(idle) == [MAIL_FAILED]
    mail = idle.rows(MailRow)[-1]
    assert "Email x To ada@shop.example Handler x" in flat(mail.text)
    assert mail.order_pk == 1
    for path in ("mail/1", "orders/rcp_00000001"):
        assert f"\nhttp://127.0.0.1:8000/admin/{path}\n" in mail.text
        assert f'href="http://127.0.0.1:8000/admin/{path}"' in mail.html


def test_the_mail_about_a_refused_post_says_what_came_and_what_to_do(idle: Served) -> None:
    idle.post(order_fields())
    send_card_data(idle)
    assert headlines(idle) == [CARD_DATA]
    (mail,) = idle.rows(MailRow)
    assert "Source shopintegrator Reason Never send card details. Remove card_number, cvv" in flat(mail.text)
    assert "Sent from 127.0.0.1" in flat(mail.text)
    assert "\nhttp://127.0.0.1:8000/admin/refused?reason=card_data&source=shopintegrator\n" in mail.text
    assert CARD not in mail.text + mail.html


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
    send_same_id(idle, 1)
    assert standing_headlines(idle, later=timedelta(hours=23)) == [SAME_ID]
    assert standing_headlines(idle, later=timedelta(hours=25)) == []


def test_the_kinds_do_not_hold_each_other_back(idle: Served) -> None:
    park(idle, "R-1")
    assert headlines(idle) == [PARKED_1]
    send_card_data(idle)
    fail(idle, order_id="A-1")
    send_wrong_secret(idle)

    assert sorted(headlines(idle)) == sorted([PARKED_1, FAILED, UNKNOWN_SECRET, CARD_DATA])


def test_the_mail_says_what_to_do_and_repeats_no_value(idle: Served) -> None:
    park(idle, "R-77")
    headlines(idle)
    (mail,) = idle.rows(MailRow)

    assert "flask orders explain rcp_00000001" in flat(mail.text)
    assert "flask orders replay --parked" in flat(mail.text)
    assert "Answer for all: http://127.0.0.1:8000/admin/parked?group=" in flat(mail.text)
    assert "R-77" not in mail.text
    assert SECRET not in mail.text
    assert (mail.state, mail.order_pk, mail.test) == ("open", 1, False)


def test_a_parked_order_that_was_mapped_meanwhile_is_no_problem(idle: Served) -> None:
    park(idle, "R-1")
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="open"))

    assert headlines(idle) == []


def test_a_failed_mail_that_was_resent_is_no_problem_any_more(idle: Served) -> None:
    fail_mail(idle)
    now = datetime.now(UTC)
    with idle.kit.database.write() as session:
        assert STANDS_MAIL_FAILED in [trouble.headline for trouble in idle.kit.notices.standing(session, now)]
        queries.resend(session, 1, now=now)
        assert idle.kit.notices.standing(session, now) == []


def test_a_notice_that_cannot_be_sent_calls_for_no_other(idle: Served) -> None:
    park(idle, "R-1")
    assert headlines(idle) == [PARKED_1]
    with idle.kit.database.write() as session:
        session.execute(update(MailRow).values(state="failed"))
    assert headlines(idle) == [PARKED_1]


def test_test_transmissions_never_count(idle: Served) -> None:
    fail(idle, order_id="A-1", test="true")
    fail_mail(idle, test=True)
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.test).values(state="parked"))
    assert headlines(idle) == []

    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(test=False))
    assert sorted(headlines(idle)) == sorted(["We couldn't read order rcp_00000001 from shopintegrator", FAILED])


def test_a_wrong_secret_is_no_problem_before_the_first_good_post(idle: Served) -> None:
    """Until the first good POST set-up is under way, and both sides are still being given the secret."""
    idle.post(order_fields(test="true"))
    send_wrong_secret(idle)
    assert headlines(idle) == []

    idle.post(order_fields())
    assert headlines(idle) == []
    send_wrong_secret(idle)
    assert headlines(idle) == [UNKNOWN_SECRET]


def test_a_changed_body_and_a_retired_secret_count_as_wrong_secret(idle: Served) -> None:
    idle.post(order_fields())
    changed = {**signed(b"order_id=2"), "X-Shared-Secret": SECRET, "Content-Type": FORM}
    assert idle.post(b"order_id=1", headers=changed).status == 401
    assert headlines(idle) == [BODY_CHANGED]

    retired = "a secret of last year"
    with idle.kit.database.write() as session:
        idle.kit.shared_secrets.add(session, retired, now=datetime.now(UTC), ends_at=datetime.now(UTC))
    a_day_later(idle.kit)
    assert idle.post(order_fields(), headers={"X-Shared-Secret": retired}).status == 401
    assert headlines(idle)[1:] == ["A POST to the source shopintegrator was refused: retired secret"]


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
    assert headlines(idle) == [PARKED_1]
    assert headlines(other) == [PARKED_1]


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
    assert headlines(idle) == [PARKED_1, PARKED_2]


def test_each_alert_is_remembered(idle: Served) -> None:
    park(idle, "R-1")
    park(idle, "R-2")
    headlines(idle)

    with idle.kit.database.read() as session:
        notices = session.scalars(select(NoticeRow).order_by(NoticeRow.kind)).all()
    came = [milliseconds(row.received_at) for row in idle.rows()]
    assert [(one.kind, one.last_seen) for one in notices] == [("order_parked:1", came[0]), ("order_parked:2", came[1])]
    for notice in notices:
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
    assert standing_headlines(idle) == [STANDS_WRONG_SECRET, STANDS_CARD_DATA]
    assert standing_headlines(idle, later=timedelta(days=1)) == []
