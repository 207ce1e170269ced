"""The order guide and the JSON Schema, both drawn from the models.

``python -m docs.generate.order_guide`` writes them again.
"""

from __future__ import annotations

import json
from pathlib import Path

from receiver.orders import schemas
from receiver.orders.model import Order
from receiver.orders.parameters import Group, Parameter, form_pairs, groups, json_text, types
from receiver.orders.sample import order_of_the_guide

_ROOT = Path(__file__).parents[2]
GUIDE = _ROOT / "docs" / "order-guide.md"
SCHEMA = _ROOT / "receiver" / "static" / "order-v1.schema.json"

_INTRODUCTION = """\
# Order guide

What an order POST may hold, version 1. The tables are drawn from the models in `receiver/orders/model.py`, with the
values of the test order. A receiver needs only `order_id`. Any other field may be missing or empty, which mean the
same. A malformed value of a field marked * parks the order. Any other malformed value is noted, kept in
`order.extra`, and counts as missing. The JSON Schema of the JSON encoding is `/static/order-v1.schema.json`.

`shared_secret` may travel as one more field of either encoding, for merchants whose own process compares it by hand.
It isn't part of the order.
"""


def order_guide(dummy: Order) -> str:
    """Return the guide as Markdown: tables of all parameters, and the test order's body in both encodings."""
    tables = "\n".join(map(_table, groups(dummy)))
    kinds = "\n".join(f"| {name} | {written} |" for name, written in types().items())
    form = "\n".join(form_pairs(dummy))
    return (
        f"{_INTRODUCTION}\n"
        f"{tables}\n"
        f"## How values are written\n\n| type | written as |\n| --- | --- |\n{kinds}\n\n"
        "## As a form\n\n`Content-Type: application/x-www-form-urlencoded`; the line breaks are only for reading.\n\n"
        f"```\n{form}\n```\n\n"
        f"## As JSON\n\n`Content-Type: application/json`\n\n```json\n{json_text(dummy)}\n```\n"
    )


def json_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of the JSON encoding, as text that ends in a line break."""
    schema = schemas.json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Order POST, version 1, JSON encoding",
    }
    return (
        json.dumps(head | {key: schema[key] for key in schema if key != "title"}, ensure_ascii=False, indent=2) + "\n"
    )


def _table(group: Group) -> str:
    rows = "\n".join(map(_row, group.parameters))
    return (
        f"## {group.heading}\n\n"
        "| form name | JSON path | type | always sent | meaning | example |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"{rows}\n"
    )


def _row(parameter: Parameter) -> str:
    return (
        f"| `{parameter.form}` | `{parameter.json}` | {parameter.kind}{'*' if parameter.parks else ''} "
        f"| {'yes' if parameter.always_sent else ''} | {_cell(parameter.description)} | {_cell(parameter.value)} |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(guide: Path, schema: Path) -> None:
    """Write both files."""
    guide.write_text(order_guide(order_of_the_guide()), encoding="utf-8")
    schema.write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    write(GUIDE, SCHEMA)
