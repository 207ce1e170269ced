"""No forged request changes anything, in the console or in an account, whatever route it's for; nor does a GET."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from flask import Flask

from receiver.web.entrance import ACCOUNT, CONSOLE
from tests import stores
from tests.served import Served
from tests.web.addresses import Address, addresses, administrator, customer, filled, stop_all_work
from tests.web.console.visitor import Visitor

#: Where each kind of pages has a form for everybody who is signed in.
FORMS = {"/admin": "/admin/password", "/account": "/account/password"}
OPEN_TO_ALL = CONSOLE.open_to_all | ACCOUNT.open_to_all
#: Written by the server itself now and then.
_OF_THE_SERVER = {"processes", "upkeep", "clock_jumps"}
#: Each forgery -> the headers that it has, and the statuses that refuse it.
_CROSS_SITE: Mapping[str, dict[str, str]] = {
    "of another site": {"Sec-Fetch-Site": "cross-site"},
    "of the same site's other host": {"Sec-Fetch-Site": "same-site"},
    "with another origin": {"Origin": "https://evil.example"},
    "with no origin": {"Origin": "null"},
}


@dataclass
class Pages:
    """One kind of pages, somebody who is signed in there, and a stranger who is too."""

    shop: Served
    prefix: str
    values: dict[str, str]
    app: Flask
    sign_in: Callable[[], Visitor]

    def forms(self) -> Iterator[Address]:
        """Yield all that isn't only looked at."""
        return (one for one in addresses(self.app, self.values, self.prefix) if one.method != "GET")

    def token(self, visitor: Visitor) -> str:
        return visitor.get(FORMS[self.prefix]).token

    def stored(self) -> dict[str, str]:
        return {name: text for name, text in stores.tables(self.shop.kit).items() if name not in _OF_THE_SERVER}

    def send(self, visitor: Visitor, one: Address, token: str | None, **headers: str) -> int:
        """Send a form, and return the status of the answer."""
        if token is not None:
            headers["X-CSRFToken"] = token
        return visitor.request(one.method, one.path, headers=headers, follow=False).status


@pytest.fixture(params=FORMS)
def pages(request: pytest.FixtureRequest, serve: Callable[..., Served], make_app: Callable[..., Flask]) -> Pages:
    shop = serve(RELAY_ALLOW_PRIVATE=True)
    values = filled(shop)
    stop_all_work(shop)

    def sign_in() -> Visitor:
        return administrator(shop) if request.param == "/admin" else customer(shop, values["token"])

    return Pages(shop, request.param, values, make_app(), sign_in)


def test_no_form_is_taken_without_its_own_token(pages: Pages) -> None:
    visitor, other = pages.sign_in(), pages.sign_in()
    mine = pages.token(visitor)
    forged = {
        "none": None,
        "empty": "",
        "garbled": mine[:-4] + "AAAA",
        "cut": mine[:20],
        "another's": pages.token(other),
    }
    before = pages.stored()
    forms = list(pages.forms())
    assert len(forms) > 5
    for one in forms:
        for name, token in forged.items():
            assert pages.send(visitor, one, token) == 400, (one, name)
    assert pages.stored() == before


def test_no_form_is_taken_after_its_sign_in_has_ended(pages: Pages) -> None:
    visitor = pages.sign_in()
    token, kept = pages.token(visitor), dict(visitor.cookies)
    visitor.post(f"{pages.prefix}/sign-out", token=token, follow=False)
    visitor.cookies, before = kept, pages.stored()
    for one in pages.forms():
        if one.endpoint not in OPEN_TO_ALL:
            assert pages.send(visitor, one, token) == 401, one
    assert pages.stored() == before


def test_no_form_is_taken_from_another_site(pages: Pages) -> None:
    visitor = pages.sign_in()
    token, before = pages.token(visitor), pages.stored()
    for one in pages.forms():
        for name, headers in _CROSS_SITE.items():
            assert pages.send(visitor, one, token, **headers) == 403, (one, name)
    assert pages.stored() == before


def test_nobody_is_shown_or_changes_anything_without_a_sign_in(pages: Pages) -> None:
    stranger = Visitor(pages.shop.base)
    token, before = stranger.get(f"{pages.prefix}/sign-in").token, pages.stored()
    for one in addresses(pages.app, pages.values, pages.prefix):
        if one.endpoint in OPEN_TO_ALL:
            continue
        if one.method != "GET":
            assert pages.send(stranger, one, token) == 401, one
            continue
        page = stranger.get(one.path, follow=False)
        assert (page.status, page.headers["Location"].partition("?")[0]) == (302, f"{pages.prefix}/sign-in"), one
    assert pages.stored() == before


def test_each_form_is_taken_with_its_token(pages: Pages) -> None:
    """Otherwise the forgeries above prove nothing: something else might have refused them."""
    before = pages.stored()
    for one in pages.forms():
        visitor = pages.sign_in()
        assert pages.send(visitor, one, pages.token(visitor)) not in {400, 401, 403}, one
    assert pages.stored() != before


def test_looking_changes_nothing(pages: Pages) -> None:
    visitor = pages.sign_in()
    before, shown = pages.stored(), 0
    for one in addresses(pages.app, pages.values, pages.prefix):
        if one.method == "GET":
            for method in ("GET", "HEAD", "OPTIONS"):
                shown += visitor.request(method, one.path, follow=False).status == 200
    assert shown > 10
    assert pages.stored() == before


def test_a_cookie_from_before_the_sign_in_opens_nothing(pages: Pages) -> None:
    """Whoever has planted a cookie in somebody's browser isn't signed in with them."""
    planted = Visitor(pages.shop.base)
    planted.get(f"{pages.prefix}/sign-in")
    victim = pages.sign_in()
    assert victim.cookies["receiver"] != planted.cookies["receiver"]
    assert planted.get(FORMS[pages.prefix], follow=False).status == 302
    assert victim.get(FORMS[pages.prefix], follow=False).status == 200
