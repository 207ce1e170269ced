"""Bodies in the shape of real services' give the right values, with the mapping that a merchant would write."""

from __future__ import annotations

import base64
import gzip
import json
import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from receiver.orders import Mapping, Order, Understood, decode, read

CASES = Path(__file__).parents[1] / "vectors" / "cases"
MAPPINGS = tomllib.loads((CASES / "mappings.toml").read_text("utf-8"))
WITH_FIELDS = [case for case in json.loads((CASES / "cases.json").read_text("utf-8")) if case.get("fields")]
SECRET = "a-secret-that-is-sent-along"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
#: What isn't a completed live order when it's mapped as its service means it.
TESTS = {"c2-37-paypal-koi8"}


def body_of(request: dict[str, Any]) -> bytes:
    if request.get("body_encoding") == "base64":
        raw = base64.b64decode(request["body"])
        return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    text: str = request["body"]
    return text.replace("{{SECRET}}", SECRET).encode()


def value_at(order: Order, path: str) -> Any:
    """Return the value at a path such as ``items[0].options.Colour``."""
    node: Any = order
    for step in re.findall(r"[^.\[\]]+", path):
        if node is None:
            return None
        node = (
            node[int(step)]
            if isinstance(node, tuple)
            else node[step]
            if isinstance(node, dict)
            else getattr(node, step)
        )
    return node


def same(value: Any, expected: str) -> bool:
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(expected)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        try:
            return Decimal(value) == Decimal(expected)
        except InvalidOperation:
            return False
    return str(value).lower() == expected.lower() if isinstance(value, bool) else value == expected


@pytest.mark.parametrize("case", WITH_FIELDS, ids=lambda case: str(case["id"]))
def test_a_case_gives_the_right_values(case: dict[str, Any]) -> None:
    request = case["request"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    fields = decode(body_of(request), headers.get("content-type"), 20_000).fields
    table = MAPPINGS.get(case["id"])
    reading = read(fields, Mapping.from_table(table) if table else None, NOW)

    assert isinstance(reading, Understood), reading
    assert (reading.decided, reading.order.test) == ("completed", case["id"] in TESTS)
    read_values = {path: value_at(reading.order, path) for path in case["fields"]}
    wrong = {path: value for path, value in read_values.items() if not same(value, case["fields"][path])}
    assert wrong == {}
