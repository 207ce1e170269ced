"""A source that has gone quiet against its own history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, update

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.intake.silence import Silences
from receiver.storage.clock import ClockJumpRow, UpkeepRow
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.models import MailRow, NoticeRow, OrderRow, QuarantineRow
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shop(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve two sources, without running jobs; every look is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    served = serve(work=False, sources={"wool": {"kind": "woocommerce", "secrets": ["s" * 20]}, "plain": {}})
    Heartbeat(served.kit.database, days=365).look()
    return served


def arrived(shop: Served, *ago: timedelta, source: str = "wool", **columns: object) -> None:
    """Let orders of a source have arrived so long ago, oldest first."""
    now = datetime.now(UTC)
    with shop.kit.database.write() as session:
        number = session.query(OrderRow).count()
        rows = [
            {
                "source": source,
                "key": f"k{number + position}",
                "state": "done",
                "test": False,
                "encoding": "",
                "fields": "[]",
                "fields_digest": "",
                "notes": "[]",
                "proof": "signature",
                "fingerprint": "",
                "received_at": now - one,
                **columns,
            }
            for position, one in enumerate(sorted(ago, reverse=True))
        ]
        session.execute(insert(OrderRow), rows)


def every(pause: timedelta, *, until: timedelta, number: int = 40) -> list[timedelta]:
    """Give how long ago orders arrived with this pause between two, the last one so long ago."""
    return [until + pause * position for position in range(number)]


def quiet(shop: Served) -> list[str]:
    with shop.kit.database.read() as session:
        now = datetime.now(UTC)
        return [one.headline for one in shop.kit.notices.standing(session, now) if one.kind == "source_quiet"]


def test_a_source_that_stops_is_named(shop: Served) -> None:
    arrived(shop, *every(10 * HOUR, until=25 * HOUR))
    arrived(shop, *every(10 * HOUR, until=HOUR), source="plain")
    assert quiet(shop) == ["No orders from wool for 25 hours"]


def test_what_is_usual_is_no_silence(shop: Served) -> None:
    arrived(shop, *every(10 * HOUR, until=19 * HOUR))
    arrived(shop, *every(13 * HOUR, until=25 * HOUR), source="plain")
    assert quiet(shop) == []


def test_weekends_are_no_silence_and_a_week_is(shop: Served) -> None:
    """A shop that sells on workdays alone: each weekend is a pause of three days."""
    workdays = [day * DAY for day in range(60) if day % 7 not in {5, 6}]
    arrived(shop, *[one + 5 * DAY for one in workdays])
    assert quiet(shop) == []
    with shop.kit.database.read() as session:
        (later,) = Silences(shop.kit.sources).found(session, datetime.now(UTC) + 30 * HOUR)
    assert later.headline == "No orders from wool for 6 days"


def test_one_earlier_breakdown_does_not_hide_the_next_one(shop: Served) -> None:
    arrived(shop, *every(5 * HOUR, until=11 * DAY), *every(5 * HOUR, until=4 * DAY, number=10))
    assert quiet(shop) == []
    with shop.kit.database.read() as session:
        (later,) = Silences(shop.kit.sources).found(session, datetime.now(UTC) + 60 * HOUR)
    assert later.length > later.longest > 4 * DAY


def test_few_orders_show_no_habit(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=10 * DAY, number=19))
    assert quiet(shop) == []
    arrived(shop, 10 * DAY - HOUR)
    assert quiet(shop) == ["No orders from wool for 9 days"]


def test_tests_and_imports_are_no_sign_of_life(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY))
    arrived(shop, *every(HOUR, until=HOUR), test=True)
    arrived(shop, *every(HOUR, until=HOUR), proof="import")
    assert quiet(shop) == ["No orders from wool for 3 days"]


def test_after_two_months_a_source_is_not_expected_any_more(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=59 * DAY))
    assert quiet(shop) == ["No orders from wool for 59 days"]
    with shop.kit.database.read() as session:
        assert shop.kit.silences.found(session, datetime.now(UTC) + 2 * DAY) == []


def test_a_silence_is_mailed_once_and_the_next_one_again(shop: Served) -> None:
    def mailed() -> list[MailRow]:
        shop.kit.notices.look()
        return shop.rows(MailRow)

    arrived(shop, *every(HOUR, until=3 * DAY))
    (mail,) = mailed()
    assert "No orders from wool for 3 days" in mail.subject
    assert "its longest pause was an hour" in " ".join(mail.text.split())
    assert "/admin/sources/wool" in mail.text
    assert "WooCommerce disables a webhook after a few failed deliveries" in " ".join(mail.text.split())

    arrived(shop, 2 * DAY - HOUR)
    assert len(mailed()) == 1, "another silence, but less than a day after the alert"
    with shop.kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) - DAY))
    assert len(mailed()) == 2


def test_each_source_has_alerts_of_its_own(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY))
    arrived(shop, *every(HOUR, until=2 * DAY), source="plain")
    shop.kit.notices.look()
    assert len(shop.rows(MailRow)) == 2


def test_the_next_order_ends_it(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY), source="plain")
    assert quiet(shop) == ["No orders from plain for 3 days"]
    assert shop.post(order_fields(), path="/orders/plain").status == 202
    assert quiet(shop) == []


def test_refused_posts_are_counted_and_a_shop_of_no_kind_is_told_what_to_look_for(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY), source="plain")
    for _ in range(2):
        assert shop.post(order_fields(), headers={"X-Shared-Secret": "wrong"}, path="/orders/plain").status == 401
    shop.kit.refusals.flush()
    with shop.kit.database.read() as session:
        (one,) = shop.kit.silences.found(session, datetime.now(UTC))
    assert one.refused == 2
    assert "2 of its POSTs were refused since then. To see why, run: flask doctor" in one.lines
    assert any("has the right address" in line for line in one.lines)


def test_posts_that_wait_in_quarantine_are_counted(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY), source="plain")
    with shop.kit.database.write() as session:
        row = {"source": "plain", "digest": "d", "sent": "", "state": "open", "due_at": datetime.now(UTC)}
        session.execute(insert(QuarantineRow), [row | {"received_at": datetime.now(UTC)}])
    with shop.kit.database.read() as session:
        (one,) = shop.kit.silences.found(session, datetime.now(UTC))
    assert "1 of its POSTs wait in quarantine. To see why, run: flask doctor" in one.lines


def test_while_the_clock_is_not_believed_nobody_is_silent(shop: Served) -> None:
    arrived(shop, *every(HOUR, until=3 * DAY))
    assert len(quiet(shop)) == 1
    now = datetime.now(UTC)
    with shop.kit.database.write() as session:
        session.get_one(UpkeepRow, 1).beat_at = now - 30 * DAY
    assert quiet(shop) == []

    jump = {"before": now - 9 * DAY, "at": now - 2 * HOUR, "gap": 0, "off": 0, "believed": True, "hours_left": 0}
    with shop.kit.database.write() as session:
        session.get_one(UpkeepRow, 1).beat_at = now
        session.add(ClockJumpRow(orders=0, mails=0, transmissions=0, **jump))
    assert quiet(shop) == [], "how long it has been quiet is known since the jump alone"


def test_where_no_server_has_run_yet_the_clock_is_believed(make_app: Callable[..., Flask]) -> None:
    kit: Kit = make_app().extensions["receiver"]
    arrived(Served("", kit), *every(HOUR, until=4 * DAY), source="shopintegrator")
    assert [one.state for one in diagnose(kit) if one.subject == "quiet"] == ["warning"]


def test_the_doctor_and_the_overview_say_it(shop: Served) -> None:
    assert [one.text for one in diagnose(shop.kit) if one.subject == "quiet"] == [
        "no source has gone quiet against its own history"
    ]
    arrived(shop, *every(HOUR, until=3 * DAY))
    visitor = Visitor(shop.base)
    visitor.sign_in(follow=False)
    page = visitor.get("/admin/")
    assert "No orders from wool for 3 days. The last one arrived on" in page.text
    assert 'href="/admin/sources/wool"' in page.html
    (finding,) = [one for one in diagnose(shop.kit) if one.subject == "quiet"]
    assert finding.state == "warning"
    assert "No orders from wool for 3 days. The last one arrived on" in finding.text
