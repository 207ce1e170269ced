"""What a request says of its host and of the proxies that it came through goes into no link, and lifts no limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from receiver.storage.models import MailRow, RefusalRow
from tests.served import Served, order_fields
from tests.web.addresses import addresses, administrator, customer, filled
from tests.web.console.visitor import Visitor

FORGED = {
    "Host": "evil.example",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "X-Real-IP": "203.0.113.9",
}
_BARE = ("/admin", "/account", "/admin/help", "/orders/", "/admin//evil.example")


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve a receiver that trusts no proxy."""
    return serve(RELAY_ALLOW_PRIVATE=True, TRUSTED_PROXIES=0)


def test_no_page_and_no_redirect_leads_to_the_host_that_was_named(shop: Served, make_app: Callable[..., Flask]) -> None:
    values = filled(shop)
    people = (Visitor(shop.base), administrator(shop), customer(shop, values["token"]))
    looked_at = {one.path for one in addresses(make_app(), values) if one.method == "GET"} | set(_BARE)
    led = 0
    for person in people:
        for path in sorted(looked_at):
            page = person.request("GET", path, headers=FORGED, follow=False)
            led += page.status in {301, 302, 303, 307, 308}
            said = " ".join(f"{name}: {value}" for name, value in page.headers.items()) + page.html
            for word in ("evil.example", "203.0.113.9", "6666"):
                assert word not in said.replace(path.removeprefix("/"), ""), path
    assert led > 20


def test_no_email_leads_there(shop: Served) -> None:
    shop.post(order_fields())
    shop.settled()
    visitor = Visitor(shop.base)
    page = visitor.request("GET", "/account/forgotten", headers=FORGED)
    with shop.kit.database.write() as session:
        session.connection().exec_driver_sql("UPDATE accounts SET link_made_at = NULL")
    visitor.post("/account/forgotten", {"email": "ada@shop.example"}, token=page.token, headers=FORGED, follow=False)
    shop.settled()
    mails = shop.rows(MailRow)
    assert "/account/claim/" in mails[-1].text
    assert [mail.id for mail in mails if "evil.example" in f"{mail.text}{mail.html}"] == []


def test_a_path_that_a_header_names_is_not_taken(shop: Served) -> None:
    for name in ("X-Original-URL", "X-Rewrite-URL"):
        assert shop.request("GET", "/healthz", headers={name: "/readyz"}).content == {"status": "alive"}
        assert shop.request("POST", "/nowhere", headers={name: "/orders"}).status == 404


def test_addresses_that_a_header_names_lift_no_limit_and_are_not_kept(shop: Served) -> None:
    visitor = Visitor(shop.base)
    token = visitor.get("/admin/sign-in").token

    def guess(number: int) -> int:
        named = FORGED | {"Host": shop.base.partition("//")[2], "X-Forwarded-For": f"203.0.113.{number}"}
        sent = {"password": "wrong"}
        return visitor.post("/admin/sign-in", sent, token=token, headers=named, follow=False).status

    assert [guess(number) for number in range(6)] == [422] * 5 + [429]
    shop.post(order_fields(), headers={"X-Shared-Secret": "no secret of ours"} | FORGED)
    shop.kit.refusals.flush()
    assert [row.address for row in shop.rows(RefusalRow)] == ["127.0.0.1"]
