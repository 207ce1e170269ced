"""The page that an alert's “Run again” leads to: it asks, and only its form runs anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.storage.models import AttemptRow, HandlerRow
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

RUN = "/admin/orders/rcp_00000001/run"
_COURIER = """
from pathlib import Path
from receiver.handlers import handler

@handler(retries=0)
def book_courier(order, context):
    if not Path(__file__).with_name("up").exists():
        raise RuntimeError("the courier is down")
    return "booked"
"""


@pytest.fixture
def shop(serve: Callable[..., Served], instance: Path) -> Served:
    """Serve with an order whose courier couldn't be booked."""
    (instance / "handlers" / "book_courier.py").write_text(_COURIER, "utf-8")
    shop = serve(HANDLERS=["book_courier", "notify_merchant"])
    shop.post(order_fields(order_id="A-1", order_number="2105"))
    shop.settled()
    return shop


def attempts(shop: Served) -> dict[str, tuple[int, str]]:
    """Return how often each handler was tried, and how it is now."""
    tried = [one.handler_pk for one in shop.rows(AttemptRow)]
    return {one.name: (tried.count(one.id), one.state) for one in shop.rows(HandlerRow)}


def test_it_asks_about_what_failed_and_changes_nothing(shop: Served, visitor: Visitor) -> None:
    before = attempts(shop)
    page = visitor.get(RUN)
    assert page.status == 200
    assert "2105" in page.text
    assert "the courier is down" in page.text
    assert "notify_merchant" not in page.text
    for method in ("GET", "HEAD"):
        visitor.request(method, RUN)
    assert attempts(shop) == before == {"book_courier": (1, "failed"), "notify_merchant": (1, "done")}


def test_its_form_runs_what_failed_and_twice_does_no_harm(shop: Served, visitor: Visitor, instance: Path) -> None:
    (instance / "handlers" / "up").touch()
    token = visitor.get(RUN).token
    assert "The unfinished handlers are running now." in visitor.post(RUN, token=token).text
    shop.settled()
    after = attempts(shop)
    assert after == {"book_courier": (2, "done"), "notify_merchant": (1, "done")}
    assert "Every handler is finished" in visitor.get(RUN).text
    assert "Nothing to do" in visitor.post(RUN, token=token).text
    assert attempts(shop) == after


def test_whoever_is_not_signed_in_gets_there_by_signing_in(shop: Served) -> None:
    person = Visitor(shop.base)
    page = person.get(RUN)
    assert page.url.partition("?")[0].endswith("/admin/sign-in")
    assert "2105" not in page.text
    path = page.url.removeprefix(shop.base)
    assert person.sign_in(path=path).url.endswith(RUN)


def test_only_the_form_of_somebody_signed_in_runs_anything(shop: Served, visitor: Visitor) -> None:
    before = attempts(shop)
    assert Visitor(shop.base).post(RUN, token="made up").status == 401
    assert visitor.post(RUN, token="made up").status == 400
    assert attempts(shop) == before


@pytest.mark.parametrize(
    ("fields", "state"), [({"test": "true"}, "is a test"), ({"order_status": "pending"}, "is ignored")]
)
def test_where_nothing_can_run_it_says_so(shop: Served, visitor: Visitor, fields: dict[str, str], state: str) -> None:
    shop.post(order_fields(**fields))
    page = visitor.get("/admin/orders/rcp_00000002/run")
    assert (page.status, state in page.text, "Run again</span>" in page.html) == (200, True, False)


def test_an_order_that_is_not_there_is_not_found(shop: Served, visitor: Visitor) -> None:
    assert visitor.get("/admin/orders/rcp_00000009/run").status == 404
