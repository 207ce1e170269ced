"""A customer's account: the mailed link, signing in, what is theirs, and what is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import event, update
from werkzeug.security import check_password_hash

from receiver.customers import account_links, privacy, records
from receiver.errors import ConfigurationError, NotPossible
from receiver.orders.idempotency import digest
from receiver.security import guesses, sign_ins
from receiver.security.guesses import Limits
from receiver.storage.account_models import AccountRow, SignInAttemptRow, SignInRow
from receiver.storage.models import CustomerRow, MailRow, OrderRow
from receiver.web.account import entry
from tests.effort import steps
from tests.served import Served, order_fields
from tests.waiting import SOON
from tests.web.console.browsing import NARROW, Browsing
from tests.web.console.visitor import Page, Visitor

ADA = "ada@shop.example"
#: Makes one that counts.
attempt = partial(SignInAttemptRow, kind="account")
PASSWORD = "four plain words here"
NEW_PASSWORD = "another four plain words"
_LINK = re.compile(r"/account/claim/[A-Za-z0-9_.-]+")


def mailed_links(shop: Served) -> list[str]:
    """Return the paths of all links emailed so far."""
    return [found[0] for mail in shop.rows(MailRow) if (found := _LINK.search(mail.text))]


def send(visitor: Visitor, path: str, fields: dict[str, str], *, to: str | None = None) -> Page:
    """Load a page, fill its form in and send it."""
    return visitor.post(to or path, fields, token=visitor.get(path).token)


def choose(visitor: Visitor, path: str, password: str = PASSWORD) -> Page:
    return send(visitor, path, {"new": password, "again": password})


def sign_in(visitor: Visitor, password: str = PASSWORD, email: str = ADA) -> Page:
    return send(visitor, "/account/sign-in", {"email": email, "password": password})


@pytest.fixture
def link(shop: Served) -> str:
    """Return the link in the confirmation of an order that has come in."""
    shop.post(order_fields(order_id="A-1", billing_line1="1 High Street", billing_city="York"))
    shop.settled()
    (found,) = mailed_links(shop)
    return found


@pytest.fixture
def ada(shop: Served, link: str) -> Visitor:
    """Return a customer who has claimed the account and is signed in."""
    person = Visitor(shop.base)
    choose(person, link)
    return person


def test_a_customer_claims_the_account_and_sees_the_order(shop: Served, link: str) -> None:
    visitor = Visitor(shop.base)
    page = choose(visitor, link)
    assert (page.status, page.url) == (200, f"{shop.base}/account/")
    assert "you're signed in" in page.text
    assert "A-1" in page.text
    order = visitor.get("/account/orders/rcp_00000001")
    assert "Enamel mug" in order.text
    assert "£19.99" in order.text
    assert shop.rows(CustomerRow)[0].claimed_at is not None


def test_looking_at_a_link_changes_nothing(shop: Served, link: str) -> None:
    for _ in range(2):
        page = Visitor(shop.base).get(link)
        assert page.status == 200
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
    with shop.kit.database.read() as session:
        assert session.get_one(AccountRow, 1).password_hash is None


def test_a_used_link_leads_to_sign_in_with_words(shop: Served, link: str, ada: Visitor) -> None:
    page = Visitor(shop.base).get(link)
    assert page.url == f"{shop.base}/account/sign-in"
    assert "already used" in page.text
    ada.get("/account/")


def test_an_expired_link_is_refused_in_plain_words(shop: Served, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_links, "LASTS", timedelta(seconds=-1))
    page = Visitor(shop.base).get(link)
    assert page.status == 410
    assert "more than 7 days old" in page.text


@pytest.mark.parametrize("change", [lambda path: path[:-8] + "AAAAAAAA", lambda path: path[:30]])
def test_a_changed_link_is_refused_in_plain_words(shop: Served, link: str, change: Callable[[str], str]) -> None:
    page = Visitor(shop.base).get(change(link))
    assert page.status == 410
    assert "is incomplete" in page.text


def test_a_link_of_another_shop_is_refused_in_plain_words(shop: Served, link: str) -> None:
    foreign = account_links.AccountLinks(secret_key="k" * 40, public_url=shop.base, is_on=True)
    with shop.kit.database.write() as session:
        session.execute(update(AccountRow).values(link_made_at=None))
        url = foreign.fresh(session, session.get_one(CustomerRow, 1), now=datetime.now(UTC))
    page = Visitor(shop.base).get((url or "").partition("//")[2].partition("/")[2].join(["/", ""]))
    assert page.status == 410
    assert "is incomplete" in page.text


def test_a_fresh_link_is_made_at_most_once_an_hour(shop: Served, link: str) -> None:
    shop.post(order_fields())
    shop.settled()
    send(Visitor(shop.base), "/account/forgotten", {"email": ADA})
    assert mailed_links(shop) == [link]
    with shop.kit.database.write() as session:
        session.execute(update(AccountRow).values(link_made_at=datetime.now(UTC) - timedelta(hours=2)))
    shop.post(order_fields())
    shop.settled()
    assert len(mailed_links(shop)) == 2


def test_a_test_order_carries_no_link(shop: Served) -> None:
    shop.post(order_fields(test="true"))
    shop.settled()
    assert mailed_links(shop) == []


def test_a_forgotten_password_is_reset_by_an_emailed_link(shop: Served, ada: Visitor) -> None:
    stranger = Visitor(shop.base)
    known = send(stranger, "/account/forgotten", {"email": " ADA@shop.example "})
    unknown = send(stranger, "/account/forgotten", {"email": "nobody@shop.example"})
    assert known.text == unknown.text
    shop.settled()
    newest = mailed_links(shop)[-1]
    assert len(mailed_links(shop)) == 2
    assert choose(stranger, newest, NEW_PASSWORD).url.endswith("/account/")
    assert ada.get("/account/").url.endswith("/account/sign-in")
    assert "Wrong email or password" in sign_in(Visitor(shop.base)).text
    assert "A-1" in sign_in(Visitor(shop.base), NEW_PASSWORD).text


def test_a_known_address_takes_as_long_as_an_unknown_one(
    shop: Served, ada: Visitor, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer waits for the same moment, and the work before it is much the same; here with a fresh link each."""
    monkeypatch.setattr(guesses, "ACCOUNT", Limits(kind="account", of_address=(999, 999)))
    monkeypatch.setattr(account_links, "EVERY", timedelta())
    slept: list[float] = []
    monkeypatch.setattr(entry, "_ANSWER_AFTER", SOON)
    monkeypatch.setattr(entry, "time", SimpleNamespace(monotonic=time.monotonic, sleep=slept.append))
    stranger = Visitor(shop.base)
    token = stranger.get("/account/forgotten").token
    client = make_app().test_client(use_cookies=False)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in stranger.cookies.items())}

    def ask(email: str) -> None:
        fields = {"email": email, "csrf_token": token}
        answer = client.post("/account/forgotten", data=fields, base_url=shop.base, headers=headers)
        assert answer.status_code == 303

    for email in (ADA, "eve@shop.example"):
        ask(email)
    known, unknown = steps(lambda: ask(ADA)), steps(lambda: ask("eve@shop.example"))
    assert unknown < known < 1.3 * unknown
    assert len(mailed_links(shop)) == 3
    assert all(0 < seconds <= SOON for seconds in slept)
    assert len(slept) == 4


def test_a_wrong_password_is_as_much_work_without_an_account(
    shop: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def check(*given: str) -> bool:
        done.append("check_password_hash")
        return check_password_hash(*given)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        done.append(statement)

    def work(email: str) -> list[str]:
        stranger = Visitor(shop.base)
        token = stranger.get("/account/sign-in").token
        done.clear()
        sent = {"email": email, "password": "not the password"}
        assert stranger.post("/account/sign-in", sent, token=token).status == 422
        return [*done]

    monkeypatch.setattr(sign_ins, "check_password_hash", check)
    shop.kit.engine.stop()  # its own statements would be counted
    event.listen(shop.kit.database.engine, "before_cursor_execute", note)
    known, unknown = work(ADA), work("eve@shop.example")
    assert known == unknown
    assert known.count("check_password_hash") == 1
    assert any("sign_in_attempts" in statement for statement in known)


def test_an_order_goes_by_the_number_that_the_shopper_was_shown(shop: Served, ada: Visitor) -> None:
    shop.post(order_fields(order_id="internal-7", order_number="1042"))
    listed, shown = ada.get("/account/"), ada.get("/account/orders/rcp_00000002")
    assert ">1042</a>" in listed.html
    assert "Order 1042 · " in shown.html
    assert "internal-7" not in listed.html + shown.html


def test_what_is_no_order_of_theirs_pushes_none_aside_and_older_ones_follow(
    shop: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.storage.pages.SIZE", 2)
    for number in range(2, 5):
        shop.post(order_fields(order_id=f"A-{number}"))
    for number in range(3):
        shop.post(order_fields(order_id=f"U-{number}", payment_status="unpaid"))
    newest = ada.get("/account/")
    assert re.findall(r">(A-\d|U-\d)</a>", newest.html) == ["A-4", "A-3"]
    older = ada.get(re.findall(r'href="(/account/\?before=\d+)"', newest.html)[0])
    assert re.findall(r">(A-\d|U-\d)</a>", older.html) == ["A-2", "A-1"]
    last = ada.get("/account/?before=1")
    assert ("There are no older orders." in last.text, "Newest orders" in last.text) == (True, True)
    assert "A-4" in ada.get("/account/?before=x").text


def test_an_orders_prices_and_discount_are_reported_as_what_they_are(shop: Served, ada: Visitor) -> None:
    items = {"item_1_name": "Mug", "item_1_quantity": "3", "item_1_unit_price": "10.00"}
    shop.post(order_fields(order_id="A-2", discount_total="5.00", **items))
    shown = ada.get("/account/orders/rcp_00000002").text
    assert "£10.00 each" in shown
    assert "Discount −£5.00" in shown
    shop.post({"order_id": "A-3", "customer_email": ADA})
    assert "Quantity" not in ada.get("/account/orders/rcp_00000003").text


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([{"event": "order.refunded", "refund_total": "5.00"}], "Partly refunded Refunded £5.00"),
        ([{"event": "order.refunded", "refund_total": "19.99"}], "Refunded Refunded £19.99"),
        (
            [{"event": "order.refunded", "refund_id": str(number), "refund_total": "10.00"} for number in (1, 2)],
            "Refunded Refunded £20.00",
        ),
        # Each says what all have given back so far.
        (
            [{"event": "order.refunded", "refund_total": amount} for amount in ("5", "15")],
            "Partly refunded Refunded £15.00",
        ),
        ([{"payment_status": "refunded", "total": "19.99"}], "Refunded"),
        (
            [{"event": "order.cancelled"}, {"event": "order.refunded", "refund_total": "19.99"}],
            "Cancelled Refunded £19.99",
        ),
    ],
)
def test_what_went_back_is_shown_and_counts_as_no_order(
    shop: Served, ada: Visitor, events: list[dict[str, str]], state: str
) -> None:
    for fields in events:
        shop.post({"order_id": "A-1", "currency": "GBP", "customer_email": ADA, **fields})
    shop.settled()
    word, _, back = state.partition(" Refunded ")
    listed = ada.get("/account/")
    assert re.findall(r">([\w-]+)</a></td>|>(A-\d)</a>", listed.html)
    assert listed.html.count(">A-1</a>") == 1
    assert word in listed.text
    shown = ada.get("/account/orders/rcp_00000001").text
    assert f" · {word}" in shown
    assert re.findall(r"Refunded (£[\d.]+)", shown) == ([back] if back else [])
    assert ada.get("/account/orders/rcp_00000002").status == 404
    with shop.kit.database.read() as session:
        assert records.order_counts(session, ADA)[ADA] == 1


def test_of_a_refund_that_an_older_release_only_kept_no_amount_is_said(shop: Served, ada: Visitor) -> None:
    shop.post({"order_id": "A-1", "currency": "GBP", "event": "order.refunded", "refund_total": "5.00"})
    shop.settled()
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 2).values(state="ignored"))
    shown = ada.get("/account/orders/rcp_00000001").text
    assert " · Refunded" in shown
    assert "Refunded £" not in shown


def test_one_browser_may_be_signed_in_to_the_console_and_to_an_account(shop: Served, link: str) -> None:
    person = Visitor(shop.base)
    person.sign_in()
    choose(person, link)
    assert (person.get("/admin/").url, person.get("/account/").status) == (f"{shop.base}/admin/", 200)
    send(person, "/account/", {}, to="/account/sign-out")
    assert person.get("/admin/").url == f"{shop.base}/admin/"
    assert person.get("/account/").url.endswith("/account/sign-in")


def test_amounts_and_dates_are_written_as_the_orders_locale_does(serve: Callable[..., Served]) -> None:
    shop = serve(TIMEZONE="Pacific/Auckland")
    for order_id, locale in (("A-1", "de-DE"), ("A-2", "en-US"), ("A-3", "")):
        shop.post(
            order_fields(order_id=order_id, locale=locale, currency="EUR", total="1234.50", item_1_unit_price="8.5")
        )
        shop.settled()
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=datetime(2026, 3, 1, 23, tzinfo=UTC)))
    ada = Visitor(shop.base)
    listed = choose(ada, mailed_links(shop)[0]).html
    assert listed.count("1.234,50\xa0€") == listed.count('lang="de-DE">2. März 2026</time>') == 1
    assert listed.count("€1,234.50") == listed.count('lang="en-US">March 2, 2026</time>') == 2

    german = ada.get("/account/orders/rcp_00000001").html
    assert "1.234,50\xa0€" in german
    assert "8,50\xa0€" in german
    assert '<time datetime="2026-03-01T23:00:00+00:00" lang="de-DE">2. März 2026</time>' in german


@pytest.mark.parametrize(("locale", "total"), [("de-DE", "19,99\xa0£"), (None, "£19.99")])
def test_what_is_left_of_a_purged_order_is_written_as_its_customers_locale_does(
    shop: Served, ada: Visitor, locale: str | None, total: str
) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(order=None))
        session.execute(update(CustomerRow).values(locale=locale))
    page = ada.get("/account/orders/rcp_00000001")
    assert total in page.html
    assert "no longer stored" in page.text


@pytest.mark.parametrize(
    ("locale", "claim", "forgotten", "said"),
    [
        ("de-DE", "Zuerst legen Sie ein Passwort fest", "Passwort für Ihr Konto", "Er ist 7 Tage gültig"),
        (
            "fr",
            "Vous choisirez d’abord",
            "Choisissez un mot de passe pour votre compte",
            "ne fonctionne qu’une seule fois",
        ),
        ("es-ES", "Primero elegirá una contraseña", "Elija una contraseña para su cuenta", "Caduca a los 7 días"),
        ("en-GB", "choose a password first", "Choose a password for your account", "It works once"),
    ],
)
def test_both_mails_with_a_link_are_in_the_customers_language(
    serve: Callable[..., Served], locale: str, claim: str, forgotten: str, said: str
) -> None:
    shop = serve(DEFAULT_LOCALE="sv" if locale == "en-GB" else "en")
    shop.post(order_fields(locale=locale))
    shop.settled()
    with shop.kit.database.write() as session:
        session.execute(update(AccountRow).values(link_made_at=None))
    send(Visitor(shop.base), "/account/forgotten", {"email": ADA})
    shop.settled()

    confirmation, link = [mail for mail in shop.rows(MailRow) if mail.recipient == ADA]
    assert claim in confirmation.text
    assert (forgotten in link.subject, said in link.text) == (True, True)


def test_signing_out_ends_the_sign_in_itself(shop: Served, ada: Visitor) -> None:
    cookies = dict(ada.cookies)
    page = send(ada, "/account/details", {}, to="/account/sign-out")
    assert "signed out" in page.text
    ada.cookies = cookies
    assert ada.get("/account/").url.endswith("/account/sign-in")


def test_signing_out_everywhere_ends_every_sign_in(shop: Served, ada: Visitor) -> None:
    other = Visitor(shop.base)
    sign_in(other)
    send(ada, "/account/details", {}, to="/account/sign-out-everywhere")
    assert other.get("/account/").url.endswith("/account/sign-in")


def test_details_and_consent_are_the_customers_to_change(shop: Served, ada: Visitor) -> None:
    assert "1 High Street, York" in ada.get("/account/details").text
    page = send(ada, "/account/details", {"first_name": " Augusta  Ada", "last_name": "King", "phone": ""})
    assert "saved" in page.text
    assert "subscribed to the newsletter" in send(ada, "/account/details", {"news": "yes"}, to="/account/consent").text
    customer = shop.rows(CustomerRow)[0]
    assert (customer.first_name, customer.last_name, customer.phone) == ("Augusta Ada", "King", None)
    assert "\naugusta ada king\n" in (customer.found_by or ""), "a search finds the new name"
    assert (customer.accepts_marketing, customer.consent_source) == (True, "account page")
    send(ada, "/account/details", {"news": "no"}, to="/account/consent")
    assert not shop.rows(CustomerRow)[0].accepts_marketing
    assert send(ada, "/account/details", {"phone": "1" * 51}).status == 422


def test_a_changed_password_ends_other_sign_ins_and_keeps_this_one(shop: Served, ada: Visitor) -> None:
    other = Visitor(shop.base)
    sign_in(other)
    new = {"new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert send(ada, "/account/password", {"current": "wrong", **new}).status == 422
    assert send(ada, "/account/password", {"current": PASSWORD, "new": "short", "again": "short"}).status == 422
    assert "Password changed" in send(ada, "/account/password", {"current": PASSWORD, **new}).text
    assert other.get("/account/").url.endswith("/account/sign-in")


def test_nobody_sees_the_order_of_another(shop: Served, ada: Visitor) -> None:
    shop.post(order_fields(customer_email="bob@shop.example"))
    shop.settled()
    for receipt in ("rcp_00000002", "rcp_00000099", "nonsense"):
        page = ada.get(f"/account/orders/{receipt}")
        assert page.status == 404
        assert "find that order among yours" in page.text
    assert ada.get("/account/nothing").status == 404


def test_guessing_is_slowed_down_by_account_and_by_address(shop: Served, ada: Visitor) -> None:
    guesser = Visitor(shop.base)
    statuses = [sign_in(guesser, "wrong").status for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    others = [sign_in(guesser, "wrong", f"u{number}@shop.example").status for number in range(6)]
    assert others == [422] * 5 + [429]
    assert send(guesser, "/account/forgotten", {"email": ADA}).status == 429
    new = {"current": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert "Password changed" in send(ada, "/account/password", new).text


def test_strangers_who_guess_do_not_keep_a_customer_out_of_a_known_device(shop: Served, ada: Visitor) -> None:
    """Their guesses come from many addresses, as those of a botnet do."""
    cookie = {"receiver-account-device": ada.cookies["receiver-account-device"]}
    now = datetime.now(UTC)
    with shop.kit.database.write() as session:
        digests = [digest(ADA)] * 60
        session.add_all(
            attempt(at=now, address=f"192.0.2.{number}", account=account) for number, account in enumerate(digests)
        )
    assert sign_in(Visitor(shop.base)).status == 429
    known, other = Visitor(shop.base), Visitor(shop.base)
    known.cookies = dict(cookie)
    assert "A-1" in sign_in(known).text
    shop.post(order_fields(customer_email="bea@shop.example"))
    shop.settled()
    choose(other, mailed_links(shop)[-1])
    stranger = Visitor(shop.base)
    stranger.cookies = {"receiver-account-device": other.cookies["receiver-account-device"]}
    assert sign_in(stranger).status == 429


def test_a_known_device_of_a_customer_has_five_guesses_a_minute(shop: Served, ada: Visitor) -> None:
    cookie = {"receiver-account-device": ada.cookies["receiver-account-device"]}
    known = Visitor(shop.base)
    known.cookies = dict(cookie)
    assert [sign_in(known, "wrong").status for _ in range(6)] == [422] * 5 + [429]
    assert "A-1" in sign_in(Visitor(shop.base)).text


def test_a_new_password_ends_what_a_customers_devices_were_known_by(shop: Served, ada: Visitor) -> None:
    cookie = {"receiver-account-device": ada.cookies["receiver-account-device"]}
    new = {"current": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert "Password changed" in send(ada, "/account/password", new).text
    with shop.kit.database.write() as session:
        session.add_all(attempt(at=datetime.now(UTC), account=digest(ADA)) for _ in range(20))
    old = Visitor(shop.base)
    old.cookies = dict(cookie)
    assert sign_in(old, NEW_PASSWORD).status == 429
    assert ada.cookies["receiver-account-device"] != cookie["receiver-account-device"]


def test_attempts_dated_in_the_future_count_for_nothing(shop: Served, ada: Visitor) -> None:
    with shop.kit.database.write() as session:
        at = datetime.now(UTC) + timedelta(days=365)
        session.add_all(attempt(at=at, account=digest(ADA), address="127.0.0.1") for _ in range(100))
    assert "A-1" in sign_in(Visitor(shop.base)).text
    assert shop.rows(SignInAttemptRow) == []


def test_every_account_page_refuses_whoever_is_not_signed_in(
    shop: Served, serve: Callable[..., Served], make_app: Callable[..., object]
) -> None:
    app = make_app()
    open_to_all = {"account.sign_in", "account.forgotten", "account.claim"}
    for rule in app.url_map.iter_rules():  # type: ignore[attr-defined]
        if not rule.endpoint.startswith("account.") or rule.endpoint in open_to_all:
            continue
        path = rule.rule.replace("<receipt>", "rcp_00000001").replace("<path:_unknown>", "any")
        if "GET" in rule.methods:
            assert Visitor(shop.base).get(path).url.endswith("/account/sign-in"), path
        if "POST" in rule.methods:
            assert Visitor(shop.base).post(path, token="none").status == 401, path


def test_a_form_without_its_token_or_from_another_site_is_refused(shop: Served, link: str) -> None:
    fields = {"new": PASSWORD, "again": PASSWORD}
    assert Visitor(shop.base).post(link, fields, token="wrong").status == 400
    visitor = Visitor(shop.base)
    token = visitor.get(link).token
    assert visitor.post(link, fields, token=token, headers={"Origin": "https://evil.example"}).status == 403


@pytest.mark.parametrize("registrar", ["none"])
def test_without_accounts_there_is_no_page_and_no_link(serve: Callable[..., Served], registrar: str) -> None:
    shop = serve(REGISTRAR=registrar)
    shop.post(order_fields())
    shop.settled()
    assert mailed_links(shop) == []
    for path in ("/account/", "/account/sign-in", "/account/claim/x"):
        assert Visitor(shop.base).get(path).status == 404


def test_an_erased_customers_account_is_gone_too(shop: Served, link: str, ada: Visitor) -> None:
    privacy.erase(shop.kit.database, shop.kit.transport, ADA, secret_key=shop.kit.secret_key)
    with shop.kit.database.read() as session:
        assert session.query(AccountRow).count() == session.query(SignInRow).count() == 0
    assert "no longer exists" in Visitor(shop.base).get(link).text
    assert ada.get("/account/").url.endswith("/account/sign-in")
    assert sign_in(Visitor(shop.base)).status == 422
    assert [row.account for row in shop.rows(SignInAttemptRow)] != [ADA]


def test_a_fault_behind_a_link_is_logged_without_the_link(
    shop: Served, link: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(account_links.AccountLinks, "owner", lambda *_: 1 / 0)
    assert Visitor(shop.base).get(link).status == 500
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("receiver")]
    assert any("GET /account/claim/… failed" in line for line in ours)
    assert not any(link in line for line in ours)


def test_a_customer_walks_through_by_keyboard(shop: Served, link: str, browse: Callable[..., Browsing]) -> None:
    window = browse(shop.base)
    page = window.page

    def fill(*texts: str) -> None:
        page.locator("form.panel input:not([type=hidden])").first.focus()
        for text in texts:
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")

    window.open(link)
    wrong = window.look()
    fill(PASSWORD, PASSWORD)
    page.wait_for_url("**/account/")
    page.get_by_role("link", name="A-1").press("Enter")
    page.wait_for_url("**/orders/*")
    page.set_viewport_size(NARROW)
    wrong += window.look()
    for path in ("/account/", "/account/details", "/account/password"):
        window.open(path)
        wrong += window.look()
    page.get_by_role("button", name="Sign out").press("Enter")
    page.wait_for_url("**/account/sign-in")
    wrong += window.look()
    page.get_by_role("link", name="Forgot your password").press("Enter")
    page.wait_for_url("**/account/forgotten")
    wrong += window.look()
    fill(ADA)
    page.wait_for_url("**/account/sign-in")
    shop.settled()
    window.open(mailed_links(shop)[-1])
    fill(NEW_PASSWORD, NEW_PASSWORD)
    page.wait_for_url("**/account/")
    assert wrong == []


def test_a_wrong_setting_is_no_missing_order(
    shop: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The customer is asked to come again, and the merchant's log names the setting."""

    def refuse(*_: object, **__: object) -> None:
        raise ConfigurationError("SECRET_KEY is not set; run `flask init` first.")

    monkeypatch.setattr(records, "orders_of", refuse)
    page = ada.get("/account/")
    assert page.status == 503
    assert "The shop has to fix something first." in page.text
    assert "find that order among yours" not in page.text
    assert "SECRET_KEY" not in page.text
    assert "GET /account/ failed: SECRET_KEY is not set" in caplog.text


def test_what_cannot_be_done_is_no_missing_order(shop: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotPossible("rcp_00000001 is being run at this moment.")

    monkeypatch.setattr(records, "orders_of", refuse)
    page = ada.get("/account/")
    assert (page.status, "find that order among yours" in page.text) == (409, False)
