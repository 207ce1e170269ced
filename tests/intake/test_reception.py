"""Receiving: every row of the answer table, over a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.dispatch.replay import Replay, Replayed
from receiver.orders import encode_form, encode_json
from receiver.orders.sample import dummy_order
from receiver.storage import order_queries
from receiver.storage.models import OrderRow, RefusalRow
from tests.served import FORM, SECRET, Served, order_fields, signed
from tests.waiting import SOON

JSON = "application/json"
OTHER = "the secret that came and went"


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def reasons(shop: Served) -> list[str]:
    shop.kit.refusals.flush()
    return [row.reason for row in shop.rows(RefusalRow)]


def test_an_order_is_accepted_with_its_receipt(idle: Served) -> None:
    reply = idle.post(order_fields(order_id="A-1"))

    assert reply.status == 202
    assert reply.content == {"status": "accepted", "order_id": "A-1", "receipt": "rcp_00000001"}
    (row,) = idle.rows()
    assert (row.state, row.email, row.total, row.currency) == ("open", "ada@shop.example", "19.99", "GBP")
    assert (row.proof, len(row.fingerprint)) == ("header", 8)


def test_a_copy_is_answered_as_one_with_the_first_receipt(idle: Served) -> None:
    fields = order_fields()
    first, second = idle.post(fields), idle.post(fields)

    assert (second.status, second.content["status"]) == (200, "duplicate")
    assert second.content["receipt"] == first.content["receipt"]
    assert len(idle.rows()) == 1


def test_a_corrected_post_of_a_parked_event_is_accepted_and_run(shop: Served) -> None:
    fields = order_fields(event_id="E77", order_id="")
    first, second = shop.post(fields), shop.post(fields | {"order_id": "A-1"})

    assert (first.status, first.content["status"]) == (202, "parked")
    assert (second.status, second.content["status"], second.content["order_id"]) == (202, "accepted", "A-1")
    parked, order = shop.settled()
    assert (parked.state, parked.receipt, parked.duplicate_of) == ("duplicate", first.content["receipt"], order.receipt)
    assert (order.state, order.same_id_as, shop.handler_states()["register_customer"]) == ("done", None, "done")


@pytest.mark.parametrize("name", ["shared_secret", "AuthKey", "whatever you call it"])
def test_the_secret_in_any_field_proves_and_is_not_stored(idle: Served, name: str) -> None:
    assert idle.post(order_fields() | {name: SECRET}, prove=False).status == 202

    (row,) = idle.rows()
    assert row.proof == "field"
    assert SECRET not in row.fields
    assert f"[secret {row.fingerprint}]" in row.fields


def test_the_secret_inside_a_longer_value_or_a_name_is_not_stored(idle: Served) -> None:
    idle.post(order_fields(customer_note=f"our key is {SECRET}!") | {f"x{SECRET}": "1"})

    assert SECRET not in json.dumps([idle.rows()[0].fields, idle.rows()[0].order])


def test_the_secret_in_the_url_proves_nothing(idle: Served) -> None:
    assert idle.post(order_fields(), prove=False, path=f"/orders?shared_secret={SECRET}").status == 401


def test_json_and_multipart_are_read_like_forms(idle: Served) -> None:
    order = dummy_order(now=datetime.now(UTC), nonce="1").model_copy(update={"test": False})
    body = encode_json(order)
    assert idle.post(body, headers=signed(body), content_type=JSON).content["status"] == "accepted"

    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
        for name, value in order_fields(order_id="M-1").items()
    )
    multipart = idle.post(parts + b"--b--\r\n", content_type="multipart/form-data; boundary=b")

    assert multipart.content["status"] == "accepted"
    json_row, multipart_row = idle.rows()
    assert (json_row.encoding, multipart_row.encoding) == (JSON, "multipart/form-data")
    assert json.loads(json_row.order)["customer"]["first_name"] == order.customer.first_name


def test_a_signed_retry_with_a_fresh_timestamp_is_a_copy(idle: Served) -> None:
    body = b"order_id=A-1"
    first = idle.post(body, headers=signed(body, webhook_id="evt_1"))
    again = idle.post(body, headers=signed(body, webhook_id="evt_1", at=datetime.now(UTC) - timedelta(seconds=60)))

    assert first.content["status"] == "accepted"
    assert again.content["status"] == "duplicate"
    assert idle.rows()[0].webhook_id == "evt_1"


def test_an_unpaid_notice_never_takes_the_paid_orders_place(idle: Served) -> None:
    fields = order_fields(order_id="A-1")
    notice = idle.post(fields | {"payment_status": "Unpaid"})
    paid = idle.post(fields)

    assert (notice.status, notice.content["status"]) == (200, "ignored")
    assert (paid.status, paid.content["status"]) == (202, "accepted")
    assert [row.state for row in idle.rows()] == ["ignored", "open"]


@pytest.mark.parametrize("event", ["Completed", "order.paid", "PURCHASE_APPROVED"])
def test_an_event_that_says_paid_under_another_name_is_the_order(idle: Served, event: str) -> None:
    assert idle.post(order_fields(order_id="A-1", event=event)).content["status"] == "accepted"
    assert idle.post(order_fields(order_id="A-1")).content["status"] == "duplicate"


def test_an_event_that_nobody_knows_never_takes_the_orders_place(idle: Served) -> None:
    other = idle.post(order_fields(order_id="A-1", event="order.frobnicated"))
    order = idle.post(order_fields(order_id="A-1"))

    assert (other.status, other.content["status"]) == (200, "ignored")
    assert (order.status, order.content["status"]) == (202, "accepted")


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"order_id": "77", "event": "on_payment", "email": "a@b.example"}, "event"),
        (order_fields(order_id="78", payment_status="frobnicated"), "payment_status"),
        (order_fields(order_id="79", order_status="frobnicated"), "order_status"),
    ],
)
def test_a_word_that_nobody_knows_parks_and_asks(idle: Served, fields: dict[str, str], asked: str) -> None:
    reply = idle.post(fields)
    assert (reply.status, reply.content["status"]) == (202, "parked")
    assert [(error["field"], "does it mean paid?" in error["message"]) for error in reply.content["errors"]] == [
        (asked, True)
    ]


@pytest.mark.parametrize("word", ["Denied", "disputed", "on-hold", "authorized", "checkout-draft", "Expired"])
def test_money_that_did_not_come_makes_no_order(idle: Served, word: str) -> None:
    reply = idle.post(order_fields(payment_status=word))
    assert (reply.status, reply.content["status"]) == (200, "ignored")


def test_an_order_of_which_only_the_id_was_understood_is_parked(idle: Served) -> None:
    reply = idle.post({"order_id": "TC-1", "buyer_email": "lata@buyer.example", "amount": "19.00"})
    assert (reply.status, reply.content["status"]) == (202, "parked")
    assert "no customer, no total and no items" in reply.content["errors"][0]["message"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"test": "true"}, "tested"),
        ({"payment_status": "pending"}, "ignored"),
        ({"event": "order.refunded"}, "accepted"),
    ],
)
def test_nothing_but_the_order_supersedes_what_is_parked(idle: Served, fields: dict[str, str], status: str) -> None:
    parked = idle.post({"event_id": "TK1", "order_id": "A-1", "item_1_name": "Mug", "item_1_quantity": "some"})
    other = idle.post({"event_id": "TK1", "order_id": "A-1", **fields})
    assert other.content["status"] == status
    assert (idle.rows()[0].state, "Mug" in idle.rows()[0].fields) == ("parked", True)

    order = idle.post({"event_id": "TK1", "order_id": "A-1", "item_1_name": "Mug", "item_1_quantity": "2"})
    assert (order.status, order.content["status"]) == (202, "accepted")
    first = idle.rows()[0]
    assert (first.receipt, first.duplicate_of) == (parked.content["receipt"], order.content["receipt"])


def test_an_order_never_supersedes_what_is_parked_of_another_order(idle: Served) -> None:
    """A shop that gives one event_id to several orders."""
    idle.post({"event_id": "TK1", "order_id": "A-1", "item_1_quantity": "some"})
    assert idle.post(order_fields(event_id="TK1", order_id="A-2")).content["status"] == "accepted"
    parked, order = idle.rows()
    assert (parked.state, parked.order_id, order.same_id_as) == ("parked", "A-1", parked.id)


def test_an_order_never_supersedes_what_is_parked_because_its_id_was_not_read(idle: Served) -> None:
    """A shop that gives one event_id to several orders, and names their ids in two ways."""
    parked = idle.post({"event_id": "TK1", "OrderRef": "H1"})
    order = idle.post({"event_id": "TK1", "order_id": "H2"})
    assert [reply.content["status"] for reply in (parked, order)] == ["parked", "accepted"]
    first, second = idle.rows()
    assert (first.state, first.duplicate_of, second.same_id_as) == ("parked", None, first.id)
    map_names(idle)
    assert [one.state for one in replay(idle, first.receipt)] == ["open"]
    assert [row.order_id for row in idle.rows()] == ["H1", "H2"]


def map_names(shop: Served) -> None:
    (shop.kit.instance / "config.toml").write_text('[sources.shopintegrator.fields]\norder_id = "OrderRef"\n')
    shop.kit.sources.look_again()


def replay(shop: Served, *receipts: str) -> list[Replayed]:
    return list(
        Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies).each(
            shop.kit.database, receipts
        )
    )


@pytest.mark.parametrize("word", [{"payment_status": "refunded"}, {"event": "order.refunded"}, {"test": "true"}])
def test_an_order_never_supersedes_a_parked_notice_of_something_else(idle: Served, word: dict[str, str]) -> None:
    idle.post({"event_id": "TK1", "order_id": "A-1", "total": "free", **word})
    assert idle.post(order_fields(event_id="TK1", order_id="A-1")).content["status"] == "accepted"
    parked, order = idle.rows()
    assert (parked.state, order.same_id_as) == ("parked", parked.id)


def test_what_is_left_of_a_purged_parked_order_is_no_orders_beginning(idle: Served) -> None:
    idle.post({"event_id": "TK1", "OrderRef": "H1"})
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(fields="[]"))
    idle.post(order_fields(event_id="TK1"))
    assert idle.rows()[0].state == "parked"


@pytest.mark.parametrize("event_id", ["checkout.completed", "x" * 256])
def test_a_malformed_event_id_makes_no_copies_of_what_is_parked(idle: Served, event_id: str) -> None:
    first, second, again = (idle.post({"Ref": ref, "event_id": event_id}) for ref in ("1", "2", "2"))

    assert [reply.content["status"] for reply in (first, second, again)] == ["parked", "parked", "duplicate"]
    assert again.content["receipt"] == second.content["receipt"] != first.content["receipt"]


def test_a_corrected_order_supersedes_what_was_dismissed(idle: Served) -> None:
    receipt = idle.post({"event_id": "TK1", "total": "5.00"}).content["receipt"]
    with idle.kit.database.write() as session:
        order_queries.dismiss(session, receipt)
    order = idle.post({"event_id": "TK1", "total": "5.00", "order_id": "A-1"})
    assert (order.status, order.content["status"]) == (202, "accepted")
    assert (idle.rows()[0].receipt, idle.rows()[0].duplicate_of) == (receipt, order.content["receipt"])


def test_another_event_is_kept_and_ignored(idle: Served) -> None:
    reply = idle.post(order_fields(event="order.shipped.late"))

    assert (reply.status, reply.content["status"]) == (200, "ignored")
    assert idle.rows()[0].decided == "order.shipped.late"


@pytest.mark.parametrize(("content_type", "body"), [(FORM, b""), (FORM, b"&&"), (JSON, b"{}"), (JSON, b'{"items":[]}')])
@pytest.mark.parametrize("is_signed", [False, True], ids=["header", "signed"])
def test_a_proven_body_without_a_field_is_refused_with_what_to_do(
    idle: Served, content_type: str, body: bytes, is_signed: bool
) -> None:
    """Parked, each one after the first was a copy: an order that lost its body was answered as one that is here."""
    headers = signed(body) if is_signed else {"X-Shared-Secret": SECRET}
    reply = idle.post(body, headers=headers, content_type=content_type)

    assert (reply.status, reply.content["type"]) == (400, "urn:order-receiver:problem:empty-body")
    assert "Send the order's fields in the body" in reply.content["detail"]
    assert (reasons(idle), idle.rows()) == (["empty_body"], [])


def test_an_empty_body_that_is_not_proven_is_not_told_so(idle: Served) -> None:
    assert idle.post(b"", prove=False).status == 401


def test_what_is_not_understood_is_parked_with_all_errors_at_once(idle: Served) -> None:
    reply = idle.post({"OrderRef": "77", "total": "free", "item_1_quantity": "none", "customer_email": "a@b@c"})

    assert (reply.status, reply.content["status"]) == (202, "parked")
    assert {error["field"] for error in reply.content["errors"]} == {
        "order_id",
        "total",
        "item_1_quantity",
        "customer_email",
    }
    assert idle.rows()[0].state == "parked"
    again = idle.post({"OrderRef": "77", "total": "free", "item_1_quantity": "none", "customer_email": "a@b@c"})
    assert again.content["status"] == "duplicate"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"order_id=%ff", FORM),
        (b"order_id=1", FORM + "; charset=klingon"),
        (b"order_id=1", "text/plain"),
        (b"order_id=1", None),
        (b'{"order_id": 1}', "application/vnd.api+json"),
        (b'{"order_id": 1}', FORM),
        (b'{"order_id": "1", "customer_note": "a\nb"}', JSON),
        (b"order_id=1&order_id=1", FORM),
        (
            b'{"order_id": 1, "order_id": 1, "customer_email": "a@b.example", "customer": {"email": "a@b.example"}}',
            JSON,
        ),
    ],
)
def test_what_can_be_read_is_accepted_whatever_its_content_type_says(
    idle: Served, body: bytes, content_type: str | None
) -> None:
    reply = idle.post(body, headers={"X-Shared-Secret": SECRET}, content_type=content_type)
    assert (reply.status, reply.content["status"]) == (202, "accepted")


@pytest.mark.parametrize(
    ("body", "content_type", "field"),
    [
        (b"order_id=1&total=1&total=2", FORM, "total"),
        (b'{"order_id": 1, "order_id": 2}', JSON, "order_id"),
        (b"order_id=1&customer_email=a@b.example&customer.email=c@b.example", FORM, "customer.email"),
        (b'{"order_id": 1, "items": [{"options": {"secret name": 1, "secret name": 2}}]}', JSON, "items[0].options"),
    ],
)
def test_a_contract_name_given_twice_with_two_values_is_parked(
    idle: Served, body: bytes, content_type: str, field: str
) -> None:
    reply = idle.post(body, headers={"X-Shared-Secret": SECRET}, content_type=content_type)
    assert (reply.status, reply.content["status"]) == (202, "parked")
    assert reply.content["errors"] == [{"field": field, "message": "is given twice, with two values: send it once"}]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "multipart/form-data; boundary=x", 400),
        (b"&".join(b"a=%d" % i for i in range(20_001)), FORM, 413),
        (b"order_id=1&note=" + b"x" * 2_097_152, FORM, 413),
        (b"order_id=1&card_number=4111111111111111&cvv=123", FORM, 422),
    ],
)
def test_a_malformed_body_is_a_clear_4xx_and_leaves_no_row(
    idle: Served, body: bytes, content_type: str | None, status: int
) -> None:
    reply = idle.post(body, content_type=content_type)

    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.content["status"] == status
    assert reply.content["type"].startswith("urn:order-receiver:problem:")
    assert len(reply.content["detail"]) > 20
    assert idle.rows() == []


def test_a_card_number_is_not_repeated_anywhere(idle: Served) -> None:
    reply = idle.post(order_fields() | {"billing_card_number": "4111 1111 1111 1111", "billing_cvv": "123"})

    assert "billing_card_number" in reply.content["detail"]
    assert reasons(idle) == ["card_data"]
    (row,) = idle.rows(RefusalRow)
    assert "4111" not in row.detail + row.fields + reply.content["detail"]


def test_a_card_field_without_a_number_is_dropped_and_noted(idle: Served) -> None:
    assert idle.post(order_fields() | {"card_expiry": "12/29"}).status == 202

    (row,) = idle.rows()
    assert "12/29" not in row.fields
    assert "card_expiry" in row.notes


def test_two_orders_whose_ids_differ_only_in_what_is_masked_stay_two(idle: Served) -> None:
    for number in ("4111 1111 1111 1111", "4012 8888 8888 1881 "):
        assert idle.post(order_fields(order_id=f"no {number}")).status == 202

    assert len({row.key for row in idle.rows()}) == 2
    assert "4012" not in idle.rows()[1].order


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "unknown_secret"),
        ({"X-Shared-Secret": "not the secret at all"}, "unknown_secret"),
        ({"X-Shared-Secret": SECRET[:-1]}, "unknown_secret"),
        ({"X-Shared-Secret": SECRET + "="}, "unknown_secret"),
        ({"X-Shared-Secret": SECRET.upper()}, "unknown_secret"),
        ({"X-Shared-Secret": "\xff"}, "unknown_secret"),
        ({"webhook-id": "evt_1"}, "header_missing"),
        (lambda: {**signed(b"x=1"), "webhook-signature": "v1"}, "malformed_header"),
        (lambda: signed(b"x=1", secret="whsec_" + "A" * 44), "unknown_secret"),
        (lambda: signed(b"x=1", at=datetime.now(UTC) - timedelta(hours=1)), "clock_off"),
        (lambda: signed(b"x=1", at=datetime.now(UTC) + timedelta(seconds=310)), "clock_off"),
    ],
)
def test_a_post_without_proof_is_refused_with_one_text_and_a_precise_reason(
    idle: Served, headers: dict[str, str] | Callable[[], dict[str, str]], reason: str
) -> None:
    sent = headers() if callable(headers) else headers
    reply = idle.post(b"x=1", headers={**sent, "Content-Type": FORM})

    assert reply.status == 401
    assert reply.content["detail"] == idle.post(b"y=1", prove=False).content["detail"]
    assert reasons(idle)[0] == reason
    assert idle.rows() == []


def test_a_bad_signature_is_never_rescued_by_a_good_secret(idle: Served) -> None:
    headers = {**signed(b"order_id=2"), "X-Shared-Secret": SECRET}

    assert idle.post(b"order_id=1", headers=headers).status == 401
    assert reasons(idle) == ["body_changed"]


def test_a_bad_signature_over_an_undecodable_body_is_401_not_400(idle: Served) -> None:
    assert idle.post(b"%ff", headers=signed(b"other")).status == 401


def test_every_single_byte_of_a_signed_body_counts(idle: Served) -> None:
    body = encode_form(dummy_order(now=datetime.now(UTC), nonce="1"))
    headers = signed(body)
    for place in range(0, len(body), 97):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert idle.post(changed, headers=headers).status == 401
    assert idle.rows() == []


def test_with_require_signature_the_plain_secret_proves_nothing(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, REQUIRE_SIGNATURE=True)
    body = b"order_id=A-1"

    assert shop.post(body).status == 401
    assert shop.post(body, headers=signed(body)).status == 202


def test_without_any_secret_every_post_is_refused(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, SHARED_SECRETS=[])

    assert shop.post(order_fields()).status == 401
    assert reasons(shop) == ["no_secret"]


def test_a_revoked_secret_stops_at_once_and_is_recognised(idle: Served) -> None:
    other = "a secret of another service"
    with idle.kit.database.write() as session:
        mark = idle.kit.shared_secrets.add(session, other, now=datetime.now(UTC))
    assert idle.post(order_fields(), headers={"X-Shared-Secret": other}).status == 202
    with idle.kit.database.write() as session:
        idle.kit.shared_secrets.end(session, mark, at=datetime.now(UTC))

    assert idle.post(order_fields(), headers={"X-Shared-Secret": other}).status == 401
    assert idle.post(b"x=1", headers=signed(b"x=1", secret=other)).status == 401
    assert reasons(idle) == ["retired_secret", "retired_secret"]
    assert mark in idle.rows(RefusalRow)[0].detail


def test_a_secret_that_another_process_revokes_stops_at_once(idle: Served, make_app: Callable[..., Flask]) -> None:
    elsewhere: Kit = make_app().extensions["receiver"]
    with elsewhere.database.write() as session:
        mark = elsewhere.shared_secrets.add(session, OTHER, now=datetime.now(UTC))
    header = {"X-Shared-Secret": OTHER}
    assert idle.post(order_fields(), headers=header).status == 202
    with elsewhere.database.write() as session:
        elsewhere.shared_secrets.end(session, mark, at=datetime.now(UTC))

    assert idle.post(order_fields(), headers=header).status == 401
    assert idle.post(order_fields(), headers={"X-Shared-Secret": SECRET}).status == 202
    assert len(idle.rows()) == 2
    assert reasons(idle) == ["retired_secret"]


def test_other_methods_are_405_and_name_those_allowed(idle: Served) -> None:
    for method in ("DELETE", "PATCH", "OPTIONS"):
        reply = idle.request(method, "/orders")
        assert reply.status == 405
        assert {name.strip() for name in reply.headers["Allow"].split(",")} == {"GET", "HEAD", "POST", "PUT"}


def test_an_unknown_source_is_404_and_the_merchant_sees_which(idle: Served) -> None:
    assert idle.post(order_fields(), path="/orders/nowhere").status == 404
    reply = idle.post(order_fields(), path="/orders/%1b%5b31m%C3%BC" + "x" * 100)
    assert reply.status == 404
    assert "\x1b" not in reply.content["detail"]

    assert reasons(idle) == ["unknown_source", "unknown_source"]
    assert [row.source[:12] for row in idle.rows(RefusalRow)] == ["nowhere", "%1B%5B31m%C3"]


def test_what_is_too_large_is_noted_and_heard_by_a_sender_that_first_sends_all(idle: Served) -> None:
    idle.post(order_fields())
    replies = [idle.post(b"order_id=1&note=" + b"x" * size) for size in (2_097_152, 3_000_000)]
    assert [reply.status for reply in replies] == [413, 413]

    assert reasons(idle) == ["too_large", "too_large"]
    first, _ = idle.rows(RefusalRow)
    assert ["X-Shared-Secret".lower(), len(SECRET)] in json.loads(first.headers)


def test_a_body_that_is_announced_as_far_too_large_is_refused_unread(idle: Served) -> None:
    host, _, port = idle.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=SOON) as connection:
        connection.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("own_secret", ["a-secret-of-one-source", "another-secret-of-it"])
def test_no_sources_secret_is_kept_in_anothers_orders(serve: Callable[..., Served], own_secret: str) -> None:
    shop = serve(work=False, sources={"eu": {"secrets": [own_secret]}})
    of_default = order_fields(custom_note=f"it is {own_secret}")
    of_eu = order_fields(custom_note=f"it is {SECRET}")
    replies = [
        shop.post(of_default),
        shop.post(of_eu, path="/orders/eu", headers={"X-Shared-Secret": own_secret}),
        shop.post({own_secret: "x"}, prove=False),
        shop.post({SECRET: "x"}, path="/orders/eu", prove=False),
    ]
    assert [reply.status for reply in replies] == [202, 202, 401, 401]
    shop.kit.refusals.flush()
    kept = " ".join(str(vars(row)) for row in [*shop.rows(), *shop.rows(RefusalRow)])
    assert own_secret not in kept
    assert SECRET not in kept
    assert kept.count("[secret ") >= 4


def test_a_post_without_a_length_is_answered_where_its_end_cannot_be_told(idle: Served) -> None:
    host, _, port = idle.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=SOON) as connection:
        connection.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\n\r\norder_id=1")
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_a_body_that_breaks_off_is_noted(idle: Served) -> None:
    host, _, port = idle.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST /orders HTTP/1.1\r\nHost: x\r\nX-Shared-Secret: {SECRET}\r\nContent-Length: 50\r\n\r\n"
        connection.sendall(head.encode() + b"order_id=1")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(12) == b"HTTP/1.1 400"

    assert reasons(idle) == ["broken_off"]
    assert idle.rows() == []


def test_an_encoding_that_changes_nothing_is_taken(idle: Served) -> None:
    headers = {"X-Shared-Secret": SECRET, "Content-Encoding": "Identity"}
    assert idle.post(order_fields(), headers=headers).status == 202


def test_a_source_of_its_own_has_its_own_secrets_and_keys(serve: Callable[..., Served]) -> None:
    own = "the other shop's secret"
    shop = serve(work=False, sources={"other": {"secrets": [own]}})
    fields = order_fields()

    assert shop.post(fields, path="/orders/other").status == 401
    assert shop.post(fields, path="/orders/other", headers={"X-Shared-Secret": own}).status == 202
    assert shop.post(fields, headers={"X-Shared-Secret": own}).status == 401
    assert shop.post(fields).status == 202
    assert [row.source for row in shop.rows()] == ["other", "shopintegrator"]


def test_wrong_settings_leave_orders_answering_503(serve: Callable[..., Served]) -> None:
    reply = serve(work=False, MAX_BODY_BYTES=0).post(order_fields())

    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0


def test_a_body_that_breaks_off_is_not_recorded(idle: Served) -> None:
    host, port = idle.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /orders HTTP/1.1\r\nHost: x\r\nX-Shared-Secret: {SECRET}\r\nContent-Type: {FORM}\r\n"
            "Content-Length: 100\r\n\r\norder_id=1".encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(1000)
    assert idle.rows() == []


def test_handlers_run_on_an_accepted_order_and_not_on_its_copy(shop: Served, instance: Path) -> None:
    fields = order_fields()
    shop.post(fields)
    (row,) = shop.settled()
    assert row.state == "done"
    assert set(shop.handler_states().values()) == {"done"}
    assert len(list((instance / "outbox").glob("*.eml"))) == 2

    shop.post(fields)
    assert shop.settled()[0].copies == 1
    assert len(list((instance / "outbox").glob("*.eml"))) == 2


def test_numbers_of_a_json_body_are_kept_to_the_digit(idle: Served) -> None:
    body = b'{"order_id": 90071992547409931, "total": 0.10, "currency": "GBP"}'
    idle.post(body, headers=signed(body), content_type=JSON)

    (row,) = idle.rows(OrderRow)
    assert (row.order_id, row.total) == ("90071992547409931", "0.10")
