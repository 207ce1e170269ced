"""Received → Parked: forms that may be incomplete, accepted by source or one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chunked_forms import CUT, WHOLE, post
from tests.served import Served
from tests.web.console.visitor import Visitor

_ACCEPT = {"source": "shopintegrator", "accept": "yes"}
_URL = "/admin/parked/chunked-forms"


def accepts(shop: Served) -> bool:
    shop.kit.sources.look_again()
    return shop.kit.sources.get().accepts_chunked_forms


def test_what_is_held_back_is_counted_with_what_ends_it(visitor: Visitor, shop: Served) -> None:
    assert "Chunked forms" not in visitor.get("/admin/parked").text
    post(shop.kit, CUT)
    post(shop.kit, WHOLE.replace("A-1", "A-2"))

    page = visitor.get("/admin/parked")

    assert "Chunked forms from shopintegrator: held back" in page.text
    assert "2 of the parked orders arrived in chunks without a Content-Length" in page.text
    assert "Put a proxy in front" in page.text
    assert "body may be incomplete" in page.text
    assert "Ready to run 0 of 2" in visitor.get("/admin/parked/run").text


def test_accepting_leads_to_running_what_is_parked(visitor: Visitor, shop: Served) -> None:
    post(shop.kit, WHOLE)

    page = visitor.post(_URL, _ACCEPT)

    assert (page.url.endswith("/admin/parked/run"), accepts(shop)) == (True, True)
    assert "Ready to run 1 of 1" in page.text
    assert "1 is running now." in visitor.post("/admin/parked/run", {"handler": "register_customer"}).text
    assert [order.state for order in shop.settled()] == ["done"]


def test_accepting_can_be_taken_back(visitor: Visitor, shop: Served) -> None:
    visitor.post(_URL, _ACCEPT)
    page = visitor.get("/admin/parked")
    assert "Chunked forms from shopintegrator: accepted" in page.text
    assert "Hold back chunked forms again" in page.text

    assert "are held back again" in visitor.post(_URL, _ACCEPT | {"accept": "no"}).text
    assert not accepts(shop)


@pytest.mark.parametrize("said", ["true", "false"])
def test_what_the_file_says_wins_and_is_shown(visitor: Visitor, shop: Served, instance: Path, said: str) -> None:
    with (instance / "config.toml").open("a") as file:
        file.write(f"\n[sources.shopintegrator]\naccept_chunked_forms = {said}\n")
    shop.kit.sources.look_again()
    post(shop.kit, WHOLE)

    page = visitor.get("/admin/parked")

    assert f"accept_chunked_forms = {said} in config.toml ; change it there" in page.text
    assert "/admin/parked/chunked-forms" not in page.html
    refused = visitor.post(_URL, _ACCEPT)
    assert (refused.status, accepts(shop)) == (409, said == "true")


def test_an_unknown_source_and_a_foreign_form_change_nothing(visitor: Visitor, shop: Served) -> None:
    assert visitor.post(_URL, _ACCEPT | {"source": "elsewhere"}).status == 404
    assert visitor.post(_URL, _ACCEPT, token="forged").status in {400, 403}
    assert not accepts(shop)


def test_one_is_run_as_it_is_from_its_page(visitor: Visitor, shop: Served) -> None:
    receipt = post(shop.kit, CUT).receipt
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "Parked: may be incomplete" in page.text
    assert "Run as is" in page.text
    assert "It's still held back" in visitor.post(f"/admin/orders/{receipt}/run").text
    assert "stays parked whatever you map" in visitor.get(f"/admin/parked/{receipt}/map").text

    assert (
        "The unfinished handlers are running now."
        in visitor.post(f"/admin/orders/{receipt}/run", {"accept": "incomplete"}).text
    )
    assert [order.state for order in shop.settled()] == ["done"]


def test_one_is_run_beside_an_order_of_its_id_only_as_a_second_order(visitor: Visitor, shop: Served) -> None:
    whole = post(shop.kit, WHOLE, end_is_known=True).receipt
    receipt = post(shop.kit, WHOLE.replace("Enamel", "Iron")).receipt
    page = visitor.get(f"/admin/orders/{receipt}")
    assert f"{whole} has the same order_id" in page.text
    assert "Run as is" not in page.text
    assert "Run as a second order" in page.text
    url = f"/admin/orders/{receipt}/run"
    assert "It's still held back" in visitor.post(url, {"accept": "incomplete"}).text
    assert "The unfinished handlers are running now." in visitor.post(url, {"accept": "second order"}).text
    assert [order.state for order in shop.settled()] == ["done", "done"]


def test_the_serving_process_settles_what_the_whole_one_holds(shop: Served) -> None:
    post(shop.kit, CUT)
    whole = post(shop.kit, WHOLE, end_is_known=True)
    shop.wait_for(lambda: shop.rows()[0].state == "duplicate")
    assert shop.rows()[0].duplicate_of == whole.receipt
