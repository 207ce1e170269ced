"""Nobody enters the console without the password, and signing out ends a sign-in."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from flask.sessions import NullSession
from sqlalchemy import delete, update

from receiver.app.components import Kit
from receiver.app.instance import set_password
from receiver.security.guesses import CONSOLE, TooManyAttempts
from receiver.security.sign_ins import SignIns, administrator
from receiver.storage.account_models import SignInAttemptRow, SignInRow
from receiver.web.console import sign_in as page_of_sign_in
from tests.served import Served
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import PASSWORD, Visitor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: Makes one that counts.
attempt = partial(SignInAttemptRow, kind="console")


def sign_in(kit: Kit, password: str, address: str | None, now: datetime = NOW) -> str | None:
    sign_ins = SignIns(kit.database, "k" * 32, CONSOLE)
    return sign_ins.sign_in(administrator(kit.database), password, address, now)


def test_a_wrong_password_opens_nothing(shop: Served) -> None:
    visitor = Visitor(shop.base)
    page = visitor.sign_in("not the password")
    assert page.status == 422
    assert "Wrong password." in page.text
    assert visitor.get("/admin/", follow=False).status == 302


def test_what_was_typed_when_the_sign_in_ended_is_shown_again(shop: Served) -> None:
    visitor = Visitor(shop.base)
    visitor.sign_in()
    token = visitor.get("/admin/password").token
    typed = {"url": "https://shop.example/<b>orders", "encoding": "json", "version": "hidden"}
    too_old = visitor.post("/admin/order-manager", typed, token="x")
    SignIns(shop.kit.database, "k" * 32, CONSOLE).end_all(None)
    ended = visitor.post("/admin/order-manager", typed, token=token)
    for page in (too_old, ended):
        assert "Here's what you typed." in page.text
        assert "<bdi>https://shop.example/&lt;b&gt;orders</bdi>" in page.html
        assert "hidden</bdi>" not in page.html
        assert "csrf_token</code>" not in page.html
    secret = {"secret": "never to be shown again"}
    assert "never to be" not in visitor.post("/admin/settings/secrets", secret, token=token).html


def test_signing_in_leads_to_the_page_that_was_wanted(shop: Served) -> None:
    visitor = Visitor(shop.base)
    wanted = visitor.get("/admin/password", follow=False).headers["Location"]
    assert visitor.sign_in(path=wanted).url == f"{shop.base}/admin/password"


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/admin/", "/admin/\\evil", "/orders", ""])
def test_signing_in_leads_nowhere_else(shop: Served, path: str) -> None:
    visitor = Visitor(shop.base)
    assert visitor.sign_in(path=f"/admin/sign-in?next={path}").url == f"{shop.base}/admin/"


def test_a_session_is_new_at_sign_in(shop: Served) -> None:
    visitor = Visitor(shop.base)
    visitor.get("/admin/sign-in")
    before = dict(visitor.cookies)
    token = visitor.get("/admin/sign-in").token
    visitor.sign_in()
    assert visitor.cookies != before
    assert visitor.post("/admin/sign-out", token=token, follow=False).status == 400


def test_the_cookie_is_kept_from_scripts_and_other_sites(shop: Served) -> None:
    visitor = Visitor(shop.base)
    token = visitor.get("/admin/sign-in").token
    page = visitor.post("/admin/sign-in", {"password": PASSWORD}, token=token, follow=False)
    device, sign_in = page.headers.getlist("Set-Cookie")
    assert device.startswith("receiver-device=")
    assert sign_in.startswith("receiver=")
    for cookie in (device, sign_in):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    ("path", "has_one"), [("/orders", False), ("/orders/elsewhere", False), ("/admin/orders", True)]
)
def test_only_a_page_opens_a_session(make_app: Callable[..., Flask], path: str, has_one: bool) -> None:
    with make_app().test_request_context(path, method="POST"):
        assert isinstance(session, NullSession) is not has_one


def test_in_production_the_cookie_travels_over_https_alone(make_app: Callable[..., Flask]) -> None:
    client = make_app(PUBLIC_URL="https://shop.example").test_client()
    cookie = client.get("/admin/sign-in", base_url="https://shop.example").headers["Set-Cookie"]
    assert cookie.startswith("__Host-receiver=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_in_production_only_its_own_origin_posts(make_app: Callable[..., Flask]) -> None:
    client = make_app(PUBLIC_URL="https://shop.example").test_client()
    for origin, status in (("https://shop.example", 400), ("http://shop.example", 403), ("https://localhost", 403)):
        answer = client.post("/admin/sign-in", base_url="https://localhost", headers={"Origin": origin})
        assert answer.status_code == status, origin


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://Orders.Shop.example", "https://orders.shop.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://orders.shop.example:443", "https://orders.shop.example"),
        ("https://orders.shop.example:8443", "https://orders.shop.example:8443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://receiver:8443/shop", "https://receiver:8443"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(
    make_app: Callable[..., Flask], public_url: str, origin: str
) -> None:
    client = make_app(PUBLIC_URL=public_url).test_client()
    for sent, status in ((origin, 400), (origin.replace("https:", "http:"), 403), (f"{origin}1", 403)):
        answer = client.post("/admin/sign-in", base_url="https://localhost", headers={"Origin": sent})
        assert answer.status_code == status, sent


def test_a_signed_out_cookie_is_dead(visitor: Visitor) -> None:
    kept = dict(visitor.cookies)
    page = visitor.post("/admin/sign-out")
    assert "You're signed out." in page.text
    visitor.cookies = kept
    assert visitor.get("/admin/", follow=False).status == 302


def test_signing_out_everywhere_ends_every_sign_in(shop: Served, visitor: Visitor) -> None:
    other = Visitor(shop.base)
    other.sign_in()
    assert "You're signed out on every device." in visitor.post("/admin/sign-out-everywhere").text
    assert other.get("/admin/", follow=False).status == 302


def test_a_sign_in_ends_after_eight_hours(shop: Served, visitor: Visitor) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(SignInRow).values(ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert visitor.get("/admin/", follow=False).status == 302


def test_a_form_sent_after_the_sign_ins_end_leads_back_to_its_page(shop: Served, visitor: Visitor) -> None:
    token = visitor.get("/admin/settings").token
    with shop.kit.database.write() as session:
        session.execute(delete(SignInRow))
    came_from = {"Referer": f"{shop.base}/admin/customers?q=ada"}
    page = visitor.post("/admin/sign-out-everywhere", token=token, headers=came_from)
    assert (page.status, "Your sign-in has ended" in page.text) == (401, True)
    link = re.search(r'href="([^"]+)">Sign in<', page.html)
    assert link
    assert visitor.sign_in(path=html.unescape(link[1])).url == f"{shop.base}/admin/customers?q=ada"


@pytest.mark.parametrize(("stood_on", "leads_to"), [("/admin/customers", "/admin/customers"), ("", "/admin/")])
def test_a_form_that_is_too_old_leads_back_to_its_page(visitor: Visitor, stood_on: str, leads_to: str) -> None:
    came_from = {"Referer": f"{visitor.base}{stood_on}"} if stood_on else {}
    page = visitor.post("/admin/sign-out-everywhere", token="old", headers=came_from)
    assert (page.status, "The page has expired" in page.text) == (400, True)
    link = re.search(r'href="([^"]+)">Reload the page<', page.html)
    assert link
    assert visitor.get(html.unescape(link[1])).url == f"{visitor.base}{leads_to}"


def test_a_sign_in_form_that_is_too_old_keeps_what_was_wanted(shop: Served) -> None:
    visitor = Visitor(shop.base)
    wanted = visitor.get("/admin/password", follow=False).headers["Location"]
    page = visitor.post(wanted, {"password": PASSWORD}, token="old", headers={"Referer": f"{shop.base}{wanted}"})
    assert (page.status, f'href="{wanted}"' in html.unescape(page.html)) == (400, True)


def test_changing_the_password_signs_everybody_else_out(shop: Served, visitor: Visitor) -> None:
    other = Visitor(shop.base)
    other.sign_in()
    new = "a new pass phrase"
    page = visitor.post("/admin/password", {"current": PASSWORD, "new": new, "again": new})
    assert "Password changed." in page.text
    assert visitor.get("/admin/").status == 200
    assert other.get("/admin/", follow=False).status == 302
    assert other.sign_in().status == 422
    assert other.sign_in(new).status == 200


def test_a_changed_password_signs_in_though_others_guess(
    shop: Served, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guesses from elsewhere may reach the limit between the check of the password and the new sign-in."""

    def set_and_guessed(*given: Any) -> None:
        set_password(*given)
        with shop.kit.database.write() as session:
            session.add_all(attempt(at=datetime.now(UTC), address=None) for _ in range(200))

    monkeypatch.setattr(page_of_sign_in, "set_password", set_and_guessed)
    new = "a new pass phrase"
    page = visitor.post("/admin/password", {"current": PASSWORD, "new": new, "again": new})
    assert (page.status, "Password changed." in page.text) == (200, True)


def test_pages_opened_side_by_side_after_signing_in_both_work(shop: Served) -> None:
    visitor = Visitor(shop.base)
    token = visitor.get("/admin/sign-in").token
    visitor.post("/admin/sign-in", {"password": PASSWORD}, token=token, follow=False)
    cookies = dict(visitor.cookies)
    first = visitor.get("/admin/password").token
    visitor.cookies = cookies
    visitor.get("/admin/settings")
    assert visitor.post("/admin/sign-out", token=first).status == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"current": "wrong", "new": "a new pass phrase", "again": "a new pass phrase"},
            "The current password is wrong.",
        ),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "Use at least 12 characters"),
        ({"current": PASSWORD, "new": "a new pass phrase", "again": "another"}, "The passwords don't match."),
        ({}, "Enter the current password."),
    ],
)
def test_a_password_is_not_changed_by_mistake(visitor: Visitor, fields: dict[str, str], said: str) -> None:
    page = visitor.post("/admin/password", fields)
    assert page.status == 422
    assert said in page.text
    assert Visitor(visitor.base).sign_in().status == 200


def test_an_administrator_whose_password_flask_changed_is_signed_out(shop: Served, visitor: Visitor) -> None:
    set_password(shop.kit.database, "set on the terminal")
    assert visitor.get("/admin/", follow=False).status == 302


def test_guessing_is_slowed_down(shop: Served) -> None:
    visitor = Visitor(shop.base)
    statuses = [visitor.sign_in("wrong").status for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    page = visitor.sign_in()
    assert page.status == 429
    assert "Too many attempts. Wait a minute, then" in page.text


def test_who_guessed_on_for_an_hour_is_told_how_long_to_wait(kit: Kit) -> None:
    with kit.database.write() as session:
        earlier = NOW - timedelta(minutes=30)
        session.add_all(attempt(at=earlier, address="192.0.2.1") for _ in range(CONSOLE.of_address[1]))
    with pytest.raises(TooManyAttempts, match="Wait up to an hour, then"):
        sign_in(kit, PASSWORD, "192.0.2.1")


def test_guesses_at_the_same_time_are_counted_too(kit: Kit) -> None:
    """Two connections of two processes' kinds guess at once; no more get a look than the limit lets through."""
    outcomes: list[str] = []

    def guess() -> None:
        try:
            sign_in(kit, "wrong", "192.0.2.1")
            outcomes.append("looked at")
        except TooManyAttempts:
            outcomes.append("refused")

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["looked at"] * 5 + ["refused"] * 7


def test_a_limit_ends_with_its_period(kit: Kit) -> None:
    for _ in range(CONSOLE.of_address[0]):
        assert sign_in(kit, "wrong", "192.0.2.1") is None
    with pytest.raises(TooManyAttempts):
        sign_in(kit, PASSWORD, "192.0.2.1")
    assert sign_in(kit, PASSWORD, "192.0.2.2")
    assert sign_in(kit, PASSWORD, "192.0.2.1", NOW + timedelta(minutes=1))


def test_one_household_of_ipv6_is_one_address(kit: Kit) -> None:
    for number in range(CONSOLE.of_address[0]):
        assert sign_in(kit, "wrong", f"2001:db8::{number}") is None
    with pytest.raises(TooManyAttempts):
        sign_in(kit, PASSWORD, "2001:db8::ffff")
    assert sign_in(kit, PASSWORD, "2001:db8:1::1")
    assert sign_in(kit, PASSWORD, None)


def test_an_address_of_ipv4_is_its_own_on_a_listener_for_both_versions(kit: Kit) -> None:
    for _ in range(CONSOLE.of_address[0]):
        assert sign_in(kit, "wrong", "::ffff:192.0.2.1") is None
    for same in ("::ffff:192.0.2.1", "192.0.2.1"):
        with pytest.raises(TooManyAttempts):
            sign_in(kit, PASSWORD, same)
    assert sign_in(kit, PASSWORD, "::ffff:192.0.2.2")


def test_every_answer_has_its_headers(visitor: Visitor) -> None:
    for path in ("/admin/", "/admin/no-such-page", "/admin/sign-out"):
        page = visitor.get(path)
        assert "default-src 'none'" in page.headers["Content-Security-Policy"], path
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"


def test_an_unknown_page_is_said_in_plain_words(visitor: Visitor) -> None:
    page = visitor.get("/admin/no-such-page")
    assert page.status == 404
    assert "There's no page /admin/no-such-page." in page.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_no_page_has_is_answered_by_the_console(shop: Served, visitor: Visitor, method: str) -> None:
    headers = {"X-CSRFToken": visitor.get("/admin/password").token}
    page = visitor.request(method, "/admin/orders", headers=headers)
    assert (page.status, "There's no page" in page.text) == (404, True)
    assert "Go to Overview" in page.text
    assert Visitor(shop.base).request(method, "/admin/orders").status == 401


def test_without_a_secret_key_the_console_says_what_to_do(make_app: Callable[..., Flask], instance: Path) -> None:
    (instance / "secret_key").unlink()
    answer = make_app().test_client().get("/admin/sign-in")
    assert answer.status_code == 503
    assert b"run <code>flask init</code>" in answer.data


def test_signing_in_by_keyboard_alone(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base)
    person.open("/admin/")
    person.page.locator("[type=password]:focus").wait_for()
    person.page.keyboard.type(PASSWORD)
    person.page.keyboard.press("Enter")
    person.page.get_by_role("heading", name="Overview").wait_for()


def test_browsers_are_told_to_ask_for_https_alone(make_app: Callable[..., Flask]) -> None:
    client = make_app(PUBLIC_URL="https://shop.example").test_client()
    for path in ("/admin/sign-in", "/account/sign-in", "/", "/nothing", "/static/page.css"):
        answer = client.get(path, base_url="https://shop.example")
        assert answer.headers["Strict-Transport-Security"] == "max-age=15768000"
        assert "Strict-Transport-Security" not in client.get(path, base_url="http://shop.example").headers
    plain = make_app(PUBLIC_URL="http://shop.example").test_client()
    assert "Strict-Transport-Security" not in plain.get("/admin/sign-in", base_url="https://shop.example").headers
