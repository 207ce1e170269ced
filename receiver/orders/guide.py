"""The order guide and the JSON Schema, both drawn from the models.

``python -m receiver.orders.guide`` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from receiver.orders.field_types import Kind
from receiver.orders.form_encoding import encode_form, form_fields
from receiver.orders.json_encoding import as_json
from receiver.orders.model import Order
from receiver.orders.names import KINDS, MADE_HERE, PARTS, Place, form_name, json_path

_ROOT = Path(__file__).parents[2]
GUIDE = _ROOT / "docs" / "order-guide.md"
SCHEMA = _ROOT / "receiver" / "static" / "order-v1.schema.json"

_INTRODUCTION = """\
# Order guide

What an order POST may hold, version 1. The table is made from the models in `receiver/orders/model.py`, the
values are those of the dummy order. A receiver needs only `order_id`; every other field may be missing or empty,
which mean the same. A malformed value of a field marked * parks the order; any other malformed value is noted
and counts as missing. The JSON Schema of the JSON encoding is `/static/order-v1.schema.json`.

`shared_secret` may travel as one more field of either encoding, for merchants whose own process compares it by
hand; it is no part of the order.
"""


class Parameter(NamedTuple):
    """One line of the order guide."""

    form: str
    json: str
    kind: str
    always_sent: bool
    description: str
    value: str


def dummy_of_the_guide() -> Order:
    """Return the dummy order with the fixed time and ids that the tracked guide shows."""
    # Only here, when the files are made: an order knows nothing of the relay.
    from receiver.relay.dummy import dummy_order

    return dummy_order(now=datetime(2026, 11, 23, 14, 5, tzinfo=UTC), nonce="8F14E45F")


def parameters(dummy: Order) -> Iterator[Parameter]:
    """Yield every parameter of the contract in the order of the models, with the dummy's value."""
    sent = dict(form_fields(dummy))
    for (part, field), kind in KINDS.items():
        info = PARTS[part].model_fields[field]
        place = Place(part, 0, field)
        always = bool(isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("x-always-sent"))
        yield Parameter(
            form_name(place).replace("item_1_", "item_N_", 1),
            json_path(place).replace("items[0]", "items[N-1]", 1),
            _kind_name(kind),
            always,
            info.description or "",
            sent.get(form_name(place), ""),
        )
    name, value = next((name, value) for name, value in sent.items() if name.startswith("custom_"))
    description = Order.model_fields["custom"].description or ""
    yield Parameter("custom_…", "custom.…", "text", False, description, f"{name}: {value}")


def order_guide(dummy: Order) -> str:
    """Return the guide as Markdown: a table of all parameters, and the dummy's body in both encodings."""
    rows = "\n".join(
        f"| `{row.form}` | `{row.json}` | {row.kind} | {'yes' if row.always_sent else ''} "
        f"| {_cell(row.description)} | {_cell(row.value)} |"
        for row in parameters(dummy)
    )
    form = encode_form(dummy).decode().replace("&", "\n&")
    body = json.dumps(as_json(dummy), ensure_ascii=False, indent=2)
    return (
        f"{_INTRODUCTION}\n"
        "| form name | JSON path | type | always sent | meaning | dummy |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"{rows}\n\n"
        "## As a form\n\n`Content-Type: application/x-www-form-urlencoded`; the line breaks are for reading only.\n\n"
        f"```\n{form}\n```\n\n"
        f"## As JSON\n\n`Content-Type: application/json`\n\n```json\n{body}\n```\n"
    )


def json_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of the JSON encoding, as text that ends in a line break."""
    schema: dict[str, Any] = Order.model_json_schema(mode="validation")
    for name in MADE_HERE:
        del schema["properties"][name]
    schema["required"] = ["order_id"]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Order POST, version 1, JSON encoding",
    }
    return (
        json.dumps(head | {key: schema[key] for key in schema if key != "title"}, ensure_ascii=False, indent=2) + "\n"
    )


def _kind_name(kind: Kind) -> str:
    return f"{kind.name}*" if kind.parks else kind.name


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(guide: Path, schema: Path) -> None:
    """Write both files anew."""
    guide.write_text(order_guide(dummy_of_the_guide()), encoding="utf-8")
    schema.write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    write(GUIDE, SCHEMA)
