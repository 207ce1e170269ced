"""Every answer has the headers that protect who reads it: of each route by each method, and each error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from receiver.errors import Unavailable
from tests.served import FORM, Served
from tests.web.addresses import addresses, administrator, customer, filled
from tests.web.console.visitor import Page, Visitor

#: What holds no secret and may be kept by a browser or a cache: files, and the description of the interface.
_FOR_EVERYBODY = ("/static/", "/openapi.json")


def wrong(path: str, page: Page) -> list[str]:
    """Return what an answer lacks."""
    headers, is_page = page.headers, path.startswith(("/admin", "/account"))
    policy = headers.get("Content-Security-Policy", "")
    is_preview = policy.endswith("sandbox")  # of an email, which has styles of its own, and may be shown in our page
    checks = {
        "may be sniffed": headers.get("X-Content-Type-Options") == "nosniff",
        "may be stored": path.startswith(_FOR_EVERYBODY) or headers.get("Cache-Control") == "no-store",
        "loads from anywhere": not is_page or policy.startswith("default-src 'none'"),
        "runs what's inline": "unsafe" not in policy or is_preview,
        "may be framed": not is_page or f"frame-ancestors '{'self' if is_preview else 'none'}'" in policy,
        "tells others its address": not is_page or headers.get("Referrer-Policy") in {"same-origin", "no-referrer"},
        "may be reached from its opener": not is_page or headers.get("Cross-Origin-Opener-Policy") == "same-origin",
    }
    return [f"{path}: {page.status} {said}" for said, is_right in checks.items() if not is_right]


def test_every_route_has_them_for_everybody_by_each_method(
    serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    shop = serve(RELAY_ALLOW_PRIVATE=True)
    values = filled(shop)
    shop.kit.engine.stop()
    looks, tries = ("GET",), ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")
    people = {administrator(shop): looks, customer(shop, values["token"]): looks, Visitor(shop.base): tries}
    paths = {one.path for one in addresses(make_app(), values)} | {"/nowhere", "/orders/nowhere/at/all"}
    found, statuses = set[str](), set[int]()
    for person, methods in people.items():
        for path in paths:
            for method in methods:
                page = person.request(method, path, follow=False)
                statuses.add(page.status)
                found.update(wrong(path, page))
    assert found == set()
    assert statuses >= {200, 302, 400, 401, 404, 405}


def test_so_has_every_error(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    shop = serve(work=False)
    person = administrator(shop)
    token = person.get("/admin/password").token
    big = {"Content-Type": FORM, "X-CSRFToken": token}
    pages = {
        "/orders": person.request("POST", "/orders", body=b"x" * 3_000_000),
        "/admin/password": person.request("POST", "/admin/password", body=b"a=" + b"x" * 100_000, headers=big),
        "/account/sign-in": person.request("POST", "/account/sign-in", body=b"a&" * 1_000, headers=big),
    }
    assert {path: page.status for path, page in pages.items()} == dict.fromkeys(pages, 413)
    found = [said for path, page in pages.items() for said in wrong(path, page)]
    for error, status in ((KeyError("x"), 500), (Unavailable("Wait."), 503)):
        for path in ("/orders", "/readyz", "/admin/orders", "/account/"):

            def fail(*_: object, error: Exception = error, **__: object) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(shop.kit.obstacles, "check", fail)
                patch.setattr(shop.kit.database, "read", fail)
                method = "POST" if path == "/orders" else "GET"
                page = person.request(method, path, follow=False)
            assert page.status == status, (path, error)
            found += wrong(path, page)
    assert found == []
