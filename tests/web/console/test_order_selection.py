"""Orders that are selected in the list run again, or are dismissed, by one press."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.storage.models import OrderRow
from tests.served import Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Visitor

_FAILING = """
from pathlib import Path
from receiver.handlers import handler

@handler(retries=0)
def tell_the_warehouse(order, context):
    if not Path({path!r}).exists():
        raise ValueError("the warehouse answered 500")
"""


@pytest.fixture
def works(instance: Path) -> Path:
    """Give the file that has to be there for the handler to work."""
    path = instance / "it works"
    (instance / "handlers" / "tell_the_warehouse.py").write_text(_FAILING.format(path=str(path)))
    return path


@pytest.fixture
def filled(works: Path, serve: Callable[..., Served]) -> Served:
    """Serve a shop with two failed orders and two parked ones."""
    shop = serve(HANDLERS=["tell_the_warehouse"])
    for order_id in ("A-1", "A-2"):
        shop.post(order_fields(order_id=order_id))
    for number in ("7", "8"):
        shop.post({"OrderRef": number})
    shop.settled()
    assert states(shop) == ["failed", "failed", "parked", "parked"]
    return shop


@pytest.fixture
def visitor(filled: Served) -> Visitor:
    visitor = Visitor(filled.base)
    visitor.sign_in()
    return visitor


def states(shop: Served) -> list[str]:
    return [row.state for row in shop.rows(OrderRow)]


def press(visitor: Visitor, action: str, *numbers: int, query: str = "") -> str:
    """Select orders and press a button; return what the list says then."""
    form = {"receipt": [f"rcp_{number:08d}" for number in numbers], "action": action}
    return visitor.post(f"/admin/orders/selected{query}", form).text


def test_the_selected_orders_run_again_and_no_others(filled: Served, visitor: Visitor, works: Path) -> None:
    works.touch()
    assert "1 running now, 1 still parked." in press(visitor, "run", 2, 3)
    filled.settled()
    assert states(filled) == ["failed", "done", "parked", "parked"]


def test_the_selected_parked_orders_are_dismissed_and_others_left_with_the_reason(
    filled: Served, visitor: Visitor
) -> None:
    said = press(visitor, "dismiss", 1, 3)
    assert "1 dismissed, 1 left as before. rcp_00000001 is failed; only what is parked can be dismissed." in said
    assert states(filled) == ["failed", "failed", "ignored", "parked"]


@pytest.mark.parametrize("action", ["run", "dismiss"])
def test_what_is_no_order_changes_nothing(filled: Served, visitor: Visitor, action: str) -> None:
    before = states(filled)
    assert "Select some orders first." in press(visitor, action)
    assert "1 left as before. No order has the receipt rcp_00000099" in press(visitor, action, 99)
    assert states(filled) == before


def test_the_list_keeps_its_filters(filled: Served, visitor: Visitor) -> None:
    answer = visitor.post("/admin/orders/selected?state=parked&q=7", {"action": "run"}, follow=False)
    assert answer.headers["Location"].endswith("/admin/orders?q=7&state=parked")


def test_the_form_needs_its_token(filled: Served, visitor: Visitor) -> None:
    form = {"receipt": "rcp_00000003", "action": "dismiss"}
    assert visitor.post("/admin/orders/selected", form, token="forged").status == 400
    assert states(filled)[2] == "parked"


def test_all_orders_of_a_page_are_selected_by_one_box(filled: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(filled.base)
    person.sign_in()
    person.open("/admin/orders?state=parked")
    assert person.look() == []
    person.page.get_by_label("Select all orders of this page").check()
    person.page.get_by_role("button", name="Dismiss selected").click()
    person.page.get_by_text("2 dismissed.").wait_for()
    assert states(filled) == ["failed", "failed", "ignored", "ignored"]
    assert re.search("state=parked", person.page.url)
