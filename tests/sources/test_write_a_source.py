"""The tutorial "Write a source": its code, run on its body."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.sources import kinds
from receiver.sources.registry import Sources
from tests.served import Served

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


def test_its_source_takes_what_its_shop_sends(instance: Path, serve: Callable[..., Served]) -> None:
    (code,), (body,), (table,) = (blocks("write-a-source.md", language) for language in ("python", "json", "toml"))
    folder = instance / "sources"
    folder.mkdir(exist_ok=True)
    name = re.match(r"# instance/sources/(\w+\.py)\n", code)
    assert name
    (folder / name[1]).write_text(code, "utf-8")
    tables = tomllib.loads(table)["sources"]
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
    assert post("order.refunded") == (200, "ignored")


@pytest.mark.parametrize("table", blocks("sources.md", "toml"))
def test_the_tables_on_the_page_of_sources_are_right(tmp_path: Path, table: str) -> None:
    secret = "a secret of 16 letters and more"
    tables = tomllib.loads(re.sub(r"^ {3}", "", table, flags=re.MULTILINE).replace('"…"', f'"{secret}"'))["sources"]
    tables["shop"].setdefault("kind", "ecwid")
    sources = Sources(tmp_path, tables, None, kinds.load(tmp_path))
    assert sources.problems == []


def test_the_page_of_sources_names_every_kind() -> None:
    page = (DOCS / "sources.md").read_text("utf-8")
    assert [kind for kind in kinds.load(Path("nowhere")).types if f"`{kind}`" not in page] == []
