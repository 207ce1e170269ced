"""Map parameters loses no part of a rule when it's saved again as it is."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.sources import saved_options
from tests.served import Served
from tests.web.console.test_parked import MAP, SAVE, chosen, park, saved
from tests.web.console.visitor import Visitor

PAGE = (Path(__file__).parents[3] / "docs" / "map-names.md").read_text("utf-8")
#: Every key of a rule, each with what it can stand beside.
RULES: list[dict[str, Any]] = [
    {"payment_status": {"from": "state", "words": {"Y": "paid", "a = b": "failed"}, "other": "failed"}},
    {"order_status": {"from": "cancelled_at", "present": "cancelled"}},
    {
        "event": {
            "from": "x",
            "when": {"type": ["sale", "order"], "header:x-topic": "y"},
            "words": {"s": "order.completed"},
        }
    },
    {"currency": {"value": "GBP"}, "locale": {"from": "Lang", "value": "de-DE", "words": {"ger": "de-DE"}}},
    {"total": {"from": ["Total", "Sum"], "decimal": ",", "words": {"free": "0"}, "negate": True, "round": True}},
    {"subtotal": {"from": "net", "minor": True}, "discount_total": {"from": ["d", "c"], "sum": True}},
    {
        "order_date": {
            "from": "Date",
            "date": ["%d/%m/%Y", "%Y-%m-%d"],
            "zone": "Europe/London",
            "words": {"today": "1/1/2026"},
        }
    },
    {"order_date": {"from": "Date", "date": "%d~%m~%Y", "zone": "Asia/Tokyo"}},
    {"order_date": {"from": "created", "epoch": "ms"}, "custom.gift": {"from": "Gift", "words": {"J": "yes"}}},
    {"billing.name": {"from": ["first", "last"], "join": " "}, "customer.last_name": {"from": "name", "split": "last"}},
    {
        "items": "$.lines[?@.type=='single']",
        "items[].name": "@.name",
        "items[].options": {"from": "@.p[*]", "name": "n"},
    },
    {"items[].options": {"from": "@.p[*]", "name": ["n", "k"], "values": "v"}, "items": "$.a[*]"},
    {"items[].unit_price": {"from": "P{n}", "divide": "quantity{n}", "decimal": "."}, "items[].quantity": "Q{n}"},
    {"customer.email": "a\nb\"'<&>\\ü", "order_id": ["OrderRef", "$[?@.type=='orders'].id"]},
]


def of_the_page() -> list[dict[str, Any]]:
    """Return the rules that docs/map-names.md shows in TOML."""
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(\[sources.*?)```", PAGE, re.DOTALL)]
    tables = [table for block in blocks for table in block.get("sources", {}).values()]
    return [table["fields"] for table in tables if "fields" in table]


@pytest.mark.parametrize("rules", [*RULES, *of_the_page()], ids=str)
def test_a_mapping_that_is_saved_again_as_it_is_stays_the_same(
    shop: Served, visitor: Visitor, rules: dict[str, Any]
) -> None:
    park(shop)
    with shop.kit.database.write() as session:
        saved_options.replace_rules(session, "shopintegrator", rules, datetime.now(UTC))
    filled_in = chosen(visitor.get(MAP))
    suggested = {target for name in filled_in if (target := name.partition(":")[0]) not in rules}
    mine = {name: value for name, value in filled_in.items() if name.partition(":")[0] not in suggested}
    assert visitor.post(MAP, {**mine, **SAVE}).status == 200
    assert saved(shop) == rules


def test_the_rules_name_every_key_that_there_is() -> None:
    keys = set(re.findall(r"`(\w+)`", PAGE.partition("### All that a rule can say")[2].partition("\nA name in")[0]))
    written = {key for rules in RULES for rule in rules.values() if isinstance(rule, dict) for key in rule}
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    assert {key for names in named for key in re.findall(r"\w+", names)} <= written & keys
