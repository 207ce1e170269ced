"""The JSON Schemas (draft 2020-12) of an order's two encodings, made from the models."""

from __future__ import annotations

from typing import Any

from receiver.orders.names import KINDS, MADE_HERE, PARTS, SHARED_SECRET, Place, form_name

#: A number as a form counts its items: from 1 on.
_ROW = "[1-9][0-9]{0,3}"


def json_schema(ref: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the schema of the JSON encoding; ``ref`` is how it refers to the models in its ``$defs``."""
    schema = PARTS["order"].model_json_schema(mode="validation", ref_template=ref)
    for name in MADE_HERE:
        del schema["properties"][name]
    schema["required"] = ["order_id"]
    return schema


def form_schema() -> dict[str, Any]:
    """Return the schema of the form encoding: every value is text, and a name that's sent twice is a list."""
    text = {"type": "string"}
    fields = {slot: text | {"description": _description(*slot)} for slot in KINDS}
    return {
        "type": "object",
        "description": "One completed order, as a form.",
        "properties": {form_name(Place(part, 0, name)): fields[part, name] for part, name in KINDS if part != "items"}
        | {SHARED_SECRET.field: text | {"description": "The shared secret, if nothing else verifies the POST."}},
        "patternProperties": {
            f"^item_{_ROW}_{name}$": field for (part, name), field in fields.items() if part == "items"
        }
        | {"^custom_.": text | {"description": "A field of the shop's own."}},
        "required": ["order_id"],
        "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}]},
    }


def _description(part: str, name: str) -> str:
    return PARTS[part].model_fields[name].description or ""
