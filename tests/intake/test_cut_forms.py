"""Forms that may have been cut: held back, superseded by the whole one, run when they are accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlencode

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.intake.explanation import explain_receipt
from receiver.intake.held_back import counts
from receiver.orders import is_cut_of
from receiver.storage.models import OrderRow
from tests.chunked_forms import CUT, WHOLE, accept, look, post, replay, rows, states
from tests.served import FORM, SECRET, order_fields, signed


@pytest.mark.parametrize("body", [WHOLE, CUT], ids=["whole", "cut"])
def test_a_form_whose_end_nothing_shows_is_held_back_with_what_to_do(kit: Kit, body: str) -> None:
    answer = post(kit, body)

    assert answer.status == "parked"
    (error,) = answer.errors
    assert error["field"] == "body"
    assert error["message"].startswith("may be incomplete: ")
    assert "Content-Length" in error["message"]
    (row,) = rows(kit)
    assert (row.state, row.may_be_cut, row.order_id, row.order) == ("parked", True, "A-1", None)


@pytest.mark.parametrize(
    "said", ["application/json", "application/json; charset=utf-8", "text/xml", "text/plain", "a\0b", ""]
)
def test_a_form_is_held_back_whatever_its_content_type_says(kit: Kit, said: str) -> None:
    assert post(kit, CUT, headers={"x-shared-secret": SECRET, "content-type": said}).status == "parked"
    assert rows(kit)[0].may_be_cut


@pytest.mark.parametrize("said", ["application/json", "application/vnd.shop+json", "text/plain", FORM, ""])
def test_json_says_where_it_ends_whatever_its_content_type_says(kit: Kit, said: str) -> None:
    body = json.dumps(order_fields(order_id="A-1"))
    assert post(kit, body, headers={"x-shared-secret": SECRET, "content-type": said}).status == "accepted"


@pytest.mark.parametrize("changes", [{"test": "true"}, {"payment_status": "pending"}, {"order_id": ""}])
def test_nothing_else_becomes_of_one_either(kit: Kit, changes: dict[str, str]) -> None:
    """A word that breaks off may be another: neither a test nor an unpaid notice is sure."""
    assert post(kit, urlencode(order_fields(order_id="A-1") | changes)).status == "parked"


def test_the_id_in_the_last_field_is_not_sure(kit: Kit) -> None:
    post(kit, "currency=GBP&order_id=A-1")
    assert rows(kit)[0].order_id is None


@pytest.mark.parametrize("end_is_known", [True, False])
def test_a_signature_or_a_known_end_shows_that_a_form_is_whole(kit: Kit, end_is_known: bool) -> None:
    headers = None if end_is_known else signed(WHOLE.encode())
    assert post(kit, WHOLE, end_is_known=end_is_known, headers=headers).status == "accepted"


def test_the_very_same_form_is_a_copy_and_another_cut_is_not(kit: Kit) -> None:
    first, again, other = post(kit, CUT), post(kit, CUT), post(kit, CUT[:-2])
    assert [one.status for one in (first, again, other)] == ["parked", "duplicate", "parked"]
    assert again.receipt == first.receipt


@pytest.mark.parametrize("at", range(WHOLE.index("&currency") + 2, len(WHOLE), 5))
def test_the_whole_retry_is_accepted_and_takes_the_place_of_what_was_cut_anywhere(kit: Kit, at: int) -> None:
    cut = post(kit, WHOLE[:at])
    whole = post(kit, WHOLE, end_is_known=True)
    look(kit)

    assert [cut.status, whole.status] == ["parked", "accepted"]
    assert states(kit) == [("duplicate", whole.receipt), ("open", None)]
    assert dict(json.loads(rows(kit)[1].fields))["item_1_name"] == "Enamel mug"


def test_what_is_cut_after_the_whole_one_came_is_no_order_of_its_own(kit: Kit) -> None:
    whole = post(kit, WHOLE, end_is_known=True)
    post(kit, CUT)
    look(kit)
    assert states(kit) == [("open", None), ("duplicate", whole.receipt)]


def test_a_retry_with_another_time_and_attempt_takes_the_place_too(kit: Kit) -> None:
    post(kit, f"sent_at=1&attempt=1&{CUT}")
    post(kit, f"sent_at=7&attempt=2&{WHOLE}", end_is_known=True)
    look(kit)
    assert [row.state for row in rows(kit)] == ["duplicate", "open"]


@pytest.mark.parametrize(
    "other",
    [
        WHOLE.replace("A-1", "A-2").replace("E-1", "E-2"),
        WHOLE.replace("Enamel", "Iron"),
        WHOLE.replace("19.99", "9.99"),
        "order_id=A-1&payment_status=pending",
    ],
    ids=["another order", "another item", "another total", "another notice of the order"],
)
def test_what_does_not_hold_all_of_it_leaves_it_held_back(kit: Kit, other: str) -> None:
    post(kit, CUT)
    post(kit, other, end_is_known=True)
    look(kit)
    assert rows(kit)[0].state == "parked"


def test_a_whole_one_that_comes_last_is_what_all_are_duplicates_of(kit: Kit) -> None:
    post(kit, CUT[:-2])
    post(kit, CUT)
    look(kit)
    post(kit, WHOLE, end_is_known=True)
    look(kit)
    assert states(kit) == [("duplicate", "rcp_00000003"), ("duplicate", "rcp_00000003"), ("open", None)]


def test_replay_holds_them_back_until_they_are_accepted(kit: Kit) -> None:
    post(kit, CUT)
    post(kit, WHOLE)

    assert [(one.state, "may be incomplete" in one.became) for one in replay(kit)] == [("parked", True)] * 2
    accept(kit)
    assert [one.state for one in replay(kit)] == ["parked", "open"]
    assert states(kit) == [("duplicate", "rcp_00000002"), ("open", None)]


def test_one_is_run_as_it_is_when_the_merchant_says_so(kit: Kit) -> None:
    receipt = post(kit, CUT).receipt
    assert [one.state for one in replay(kit, receipt, accept_incomplete=True)] == ["open"]
    assert json.loads(rows(kit)[0].order or "")["items"] == [{"name": "Ena", "options": {}}]


def test_one_is_not_run_though_the_merchant_says_so_once_the_whole_one_is_there(kit: Kit) -> None:
    receipt = post(kit, CUT).receipt
    post(kit, WHOLE, end_is_known=True)
    assert [one.state for one in replay(kit, receipt, accept_incomplete=True)] == ["duplicate"]
    (again,) = replay(kit, receipt, accept_incomplete=True)
    assert (again.state, "no handler runs on it" in again.became) == ("failed", True)


def test_what_comes_whole_after_a_cut_one_was_run_is_kept_beside_it(kit: Kit) -> None:
    replay(kit, post(kit, CUT).receipt, accept_incomplete=True)
    whole = post(kit, WHOLE, end_is_known=True)
    look(kit)
    assert whole.status == "accepted"
    assert [row.state for row in rows(kit)] == ["open", "open"]


def test_accepted_ones_are_read_as_any_order(make_app: Callable[..., Flask]) -> None:
    kit: Kit = make_app().extensions["receiver"]
    held_back = post(kit, WHOLE)
    accept(kit)
    answer = post(kit, WHOLE)
    look(kit)
    assert [held_back.status, answer.status] == ["parked", "accepted"]
    assert states(kit) == [("duplicate", "rcp_00000002"), ("open", None)]
    with kit.database.read() as session:
        assert counts(session) == {}


@pytest.mark.parametrize(
    "end",
    [
        f"s={SECRET[:20]}",
        f"s={SECRET[:20]}%2",
        f"s=x{SECRET[:20]}%",
        f"x-{SECRET[:20]}",
        f"{SECRET[:20]}%2",
        SECRET[:8],
    ],
)
def test_the_beginning_of_a_secret_at_the_end_is_not_stored(kit: Kit, end: str) -> None:
    post(kit, f"order_id=A-1&{end}")
    (row,) = rows(kit)
    assert SECRET[:8] not in row.fields
    assert "[secret " in row.fields


CARD = "4012888888881881"


@pytest.mark.parametrize("digits", range(9, 16))
@pytest.mark.parametrize(
    ("begin", "left"),
    [("note=", "****"), ("note=my card: ", "my card: ****"), ("note=7 ", "7 ****"), ("note=10115 ", None)],
)
def test_the_beginning_of_a_card_number_at_the_end_is_not_stored(
    kit: Kit, digits: int, begin: str, left: str | None
) -> None:
    post(kit, f"order_id=A-1&{begin}{CARD[:digits]}")
    (row,) = rows(kit)
    assert CARD[:9] not in row.fields
    assert left is None or json.loads(row.fields)[-1] == ["note", left]
    assert "note may end in the beginning of a card number, which was masked" in row.notes


@pytest.mark.parametrize("spelling", ["4012 8888 8888 18", "4012-8888-88", "４０１２８８８８８８"])
def test_nor_is_one_that_is_spelled_in_another_way_or_in_a_name(kit: Kit, spelling: str) -> None:
    post(kit, f"order_id=A-1&{urlencode({'note': spelling})}")
    post(kit, f"order_id=A-1&x_{CARD[:12]}")
    first, second = rows(kit)
    assert [json.loads(row.fields)[-1] for row in (first, second)] == [["note", "****"], ["x_****", ""]]


@pytest.mark.parametrize(
    "last",
    [
        *(
            "customer_phone=4915112345678",
            "note=call %2B4915112345678",
            "order_id=501234567890",
            "item_1_sku=4006381333931",
        ),
        *(
            "note=40128888",
            "note=7012345678901",
            "note=4012888888881881 or so",
            "total=450000000",
            "Summe=4500000.00",
            "Bestellung=501234567",
        ),
    ],
)
def test_a_number_at_the_end_that_is_none_of_a_card_stays(kit: Kit, last: str) -> None:
    (kit.instance / "config.toml").write_text('[sources.shopintegrator.fields]\norder_id = "Bestellung"\n')
    kit.sources.look_again()
    post(kit, f"currency=GBP&{last}")
    name, _, value = last.partition("=")
    assert json.loads(rows(kit)[0].fields)[-1] == [name, unquote(value).replace(CARD, "****1881")]


def test_one_that_was_masked_at_its_end_gives_way_to_the_whole_one(kit: Kit) -> None:
    post(kit, f"{WHOLE}&note=my number is 40128888")
    post(kit, f"{WHOLE}&note=my number is 4012888888")
    post(kit, f"{WHOLE}&note=my number is 40128888887", end_is_known=True)
    look(kit)
    assert [row.state for row in rows(kit)] == ["duplicate", "duplicate", "open"]


@pytest.mark.parametrize(
    ("cut", "whole", "is_cut"),
    [
        ([("a", "1")], [("a", "1")], True),
        ([("a", "1"), ("b", "2")], [("a", "1"), ("b", "22"), ("c", "3")], True),
        ([("a", "1"), ("b", "")], [("a", "1"), ("bc", "2")], True),
        ([("a", "1"), ("b", "x%")], [("a", "1"), ("b", "x y")], True),
        ([("a", "1"), ("b", "x%2")], [("a", "1"), ("b", "x y")], True),
        ([("a", "1"), ("nonce", "9")], [("a", "1"), ("nonce", "1")], True),
        ([("a", "1"), ("b", "2")], [("a", "1")], False),
        ([("a", "1"), ("b", "2")], [("a", "11"), ("b", "2")], False),
        ([("a", "1"), ("b", "2")], [("a", "1"), ("bc", "2")], False),
        ([], [("a", "1")], False),
    ],
)
def test_a_cut_form_is_the_beginning_of_the_whole_one(
    cut: list[tuple[str, str]], whole: list[tuple[str, str]], is_cut: bool
) -> None:
    assert is_cut_of(cut, whole) is is_cut


def test_explaining_one_says_that_it_may_be_incomplete_until_it_is_accepted(kit: Kit) -> None:
    receipt = post(kit, WHOLE).receipt
    with kit.database.read() as session:
        reading = explain_receipt(session, receipt, kit.sources)
    assert reading.decided == "completed"
    assert "may be incomplete: it arrived in chunks" in reading.as_text()
    assert f"flask orders replay {receipt} --accept-incomplete" in reading.as_text()
    accept(kit)
    with kit.database.read() as session:
        assert "may be incomplete" not in explain_receipt(session, receipt, kit.sources).as_text()


def test_the_doctor_counts_what_is_held_back_and_says_what_ends_it(kit: Kit) -> None:
    assert chunked(kit) == [("ok", "none held back")]
    post(kit, WHOLE)
    post(kit, CUT)
    ((state, text),) = chunked(kit)
    assert (state, "may be incomplete: 2. Put a proxy in front" in text) == ("warning", True)
    assert text.endswith("accept_chunked_forms = true under [sources.shopintegrator] in config.toml")
    accept(kit)
    since = "parked from shopintegrator because they arrived in chunks and may be incomplete: 2; they're accepted now"
    look_at = "Check: flask orders explain rcp_00000002"
    assert chunked(kit) == [
        ("warning", f"{since}. 1 can run: flask orders replay --parked. {look_at}; then run or dismiss it"),
        ("ok", "accepted from shopintegrator: one that breaks off is processed as it is"),
    ]


def chunked(kit: Kit) -> list[tuple[str, str]]:
    return [(one.state, one.text) for one in diagnose(kit) if one.subject == "chunked forms"]


def test_the_merchant_is_told_of_one_whose_whole_retry_has_not_come(kit: Kit) -> None:
    post(kit, CUT)
    assert told(kit) == []
    with kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=datetime.now(UTC) - timedelta(minutes=11)))
    assert told(kit) == ["order_held_back"]
    post(kit, WHOLE, end_is_known=True)
    look(kit)
    assert told(kit) == []


def told(kit: Kit) -> list[str]:
    with kit.database.read() as session:
        return [trouble.kind for trouble in kit.notices.standing(session, datetime.now(UTC))]
