"""The tutorial "Write a source": its code, run on its body."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.sources import kinds, proofs, trying
from receiver.sources.registry import Sources
from receiver.storage.models import RefusalRow
from tests.asked_shops import Answers, Asked, AskedShop, Said
from tests.served import Served

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def written(instance: Path, number: int) -> Any:
    """Put a file of the page where it says, and give its table of the settings."""
    code, table = (blocks("write-a-source.md", language)[number] for language in ("python", "toml"))
    folder = instance / "sources"
    folder.mkdir(exist_ok=True)
    name = re.match(r"# instance/sources/(\w+\.py)\n", code)
    assert name
    (folder / name[1]).write_text(code, "utf-8")
    return tomllib.loads(table)["sources"]


def test_its_source_takes_what_its_shop_sends(instance: Path, serve: Callable[..., Served]) -> None:
    body = blocks("write-a-source.md", "json")[0]
    tables = written(instance, 0)
    shop = serve(sources=tables)

    def post(topic: str) -> tuple[int, str | None]:
        at = str(int(time.time()))
        mac = hmac.new(tables["kiln"]["secrets"][0].encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Kiln-Topic": topic, "X-Kiln-Signature": f"t={at},s={mac}"}
        reply = shop.post(body.encode(), path="/orders/kiln", headers=headers, content_type="application/json")
        return reply.status, reply.content.get("status")

    assert post("order.paid") == (202, "accepted")
    (row,) = shop.rows()
    assert (row.order_id, row.total, row.currency, row.email) == ("K-1042", "41.50", "EUR", "ada@buyer.example")
    assert '"options":{"Glaze":"Ash"}' in row.order
    assert post("order.refunded") == (202, "accepted")
    assert shop.rows()[1].event == "order.refunded"
    kiln = shop.kit.sources.get("kiln")
    assert kiln.guide
    assert kiln.guide.title == "Kilnworks"
    sample = trying.signed(kiln, f"{shop.base}/orders/kiln", shared="", now=datetime.now(UTC))
    reply = shop.post(sample.body, path="/orders/kiln", headers=sample.headers, content_type=None)
    assert reply.content["status"] == "accepted"


def test_its_shop_that_is_asked_tells_the_order(
    instance: Path, serve: Callable[..., Served], ask_shop: Callable[[str, Answers], AskedShop]
) -> None:
    def answers(asked: Asked) -> Said:
        if (asked.path, asked.headers["x-key"]) != ("/orders/L-7", "the key that Loomly shows"):
            return Said(404)
        return Said(200, {"id": "L-7", "state": "settled", "sum": "41.50", "mail": "ada@buyer.example"})

    shop, asked = serve(work=False, sources=written(instance, 1)), ask_shop("api.loomly.example", answers)
    shop.kit.asking.pool = asked.pool

    def post(name: str) -> int:
        return shop.post({"id": name}, path="/orders/loom", headers={}).status

    assert [post(name) for name in ("L-7", "L-8", "../L-7")] == [200, 200, 401]
    assert [shop.kit.asking.run_next() for _ in range(3)] == [True, True, False]
    assert [(row.order_id, row.state, row.total, row.proof) for row in shop.rows()] == [
        ("L-7", "open", "41.50", "asked")
    ]
    shop.kit.refusals.flush()
    assert [row.reason for row in shop.rows(RefusalRow)] == ["nothing_to_ask", "not_confirmed"]


@pytest.mark.parametrize("table", blocks("sources.md", "toml"))
def test_the_tables_on_the_page_of_sources_are_right(tmp_path: Path, table: str) -> None:
    secret = "a secret of 16 letters and more"
    tables = tomllib.loads(re.sub(r"^ {3}", "", table, flags=re.MULTILINE).replace('"…"', f'"{secret}"'))["sources"]
    if not {*proofs.WAYS} & tables["shop"].keys():
        tables["shop"].setdefault("kind", "ecwid")
    sources = Sources(tmp_path, tables, None, kinds.load(tmp_path))
    assert sources.problems == []


def test_the_page_of_sources_names_every_kind() -> None:
    page = (DOCS / "sources.md").read_text("utf-8")
    assert [kind for kind in kinds.load(Path("nowhere")).types if f"`{kind}`" not in page] == []
