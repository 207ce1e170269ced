"""Help → Set-up: the way to production, with this instance's own addresses."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from receiver.app.components import Kit
from tests.served import SECRET, Served
from tests.web.console.visitor import Page, Visitor


def page(shop: Served) -> Page:
    person = Visitor(shop.base)
    person.sign_in()
    return person.get("/admin/help/set-up")


def test_the_steps_stand_in_their_order(visitor: Visitor, kit: Kit, instance: Path) -> None:
    shown = visitor.get("/admin/help/set-up")
    titles = re.findall(r'<h2 id="step-\d">(\d)\. ([^<]+)</h2>', shown.html)
    assert [int(number) for number, _ in titles] == list(range(1, 9))
    assert titles[0][1] == "Give the receiver a shared secret"
    assert f"{instance}/config.toml" in shown.text
    assert kit.database.shown() in shown.text


def test_the_curl_line_works_as_pasted(shop: Served) -> None:
    vars(shop.kit.settings)["PUBLIC_URL"] = shop.base
    (line,) = re.findall(r"<code>(SECRET=.*?)</code>", page(shop).html, re.DOTALL)
    command = html.unescape(line).replace("paste the secret here", SECRET)
    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=30).stdout
    assert '"status":"accepted"' in printed
    (row,) = shop.settled()
    assert (row.order_id, row.email, row.state) == ("A-1001", "ada@your-shop.example", "done")


def test_what_is_done_is_marked(shop: Served) -> None:
    assert page(shop).html.count('<span class="state good">done</span>') == 1
    shop.post({"order_id": "A-1"})
    assert page(shop).html.count('<span class="state good">done</span>') == 2


def test_in_production_the_addresses_are_the_real_ones(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, sources={"market": {}})
    vars(shop.kit.settings)["PUBLIC_URL"] = "https://orders.laden.de/"
    text = page(shop).text
    assert "curl -i https://orders.laden.de/orders" in text
    assert "https://orders.laden.de/orders/market" in text
    assert "flask selftest --url https://orders.laden.de/orders" in text


def test_where_a_signature_is_required_no_plain_secret_is_shown(serve: Callable[..., Served]) -> None:
    text = page(serve(work=False, REQUIRE_SIGNATURE=True)).text
    assert "curl" not in text
    assert "flask selftest" in text
