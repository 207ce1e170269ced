"""The form encoding of an order POST, both ways: bytes to fields, and an order to bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from receiver.errors import TooLarge, Undecodable
from receiver.orders.json_encoding import contract_fields, unknown_fields
from receiver.orders.model import Order
from receiver.orders.names import PARTS, Fields, Place, form_name


def decode_form(body: bytes, charset: str, max_fields: int) -> Fields:
    """Return the fields of an ``application/x-www-form-urlencoded`` body; nothing in it is skipped or mended.

    Raises Undecodable for bytes that the charset does not have, TooLarge for more fields than ``max_fields``.
    """
    if body.count(b"&") >= max_fields:
        raise TooLarge(f"The body has more than {max_fields} fields.")
    fields: Fields = []
    try:
        text = body.replace(b"\0", b"%00").decode(charset).replace("+", " ")
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if "%" in pair:
                fields.append((_unescaped(name, charset), _unescaped(value, charset)))
            elif pair:
                fields.append((name, value))
    except UnicodeDecodeError as error:
        raise Undecodable(f"The body holds bytes that are not {charset}.") from error
    return fields


def encode_form(order: Order, extra_fields: Fields | tuple[()] = ()) -> bytes:
    """Return the form body of an order in UTF-8; ``extra_fields`` come last, as they are."""
    return urlencode([*form_fields(order), *extra_fields]).encode("ascii")


def form_fields(order: Order) -> Iterator[tuple[str, str]]:
    """Yield the flat names and text values of an order in the order of its model, unknown fields last."""
    for name, value in contract_fields(order).items():
        if name == "items":
            for row, item in enumerate(value):
                yield from _named(item, "items", row)
        elif name in PARTS:
            yield from _named(value, name)
        elif name == "custom":
            yield from ((f"custom_{key}", text) for key, given in value.items() for text in _texts(given))
        else:
            yield from ((name, text) for text in _texts(value))
    yield from ((name, text) for name, value in unknown_fields(order).items() for text in _texts(value))


def _named(values: dict[str, Any], part: str, row: int = 0) -> Iterator[tuple[str, str]]:
    for field, value in values.items():
        yield from ((form_name(Place(part, row, field)), text) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [", ".join(f"{name}: {choice}" for name, choice in value.items())]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _unescaped(part: str, charset: str) -> str:
    if "%" not in part:
        return part
    return unquote_to_bytes(part.encode(charset)).decode(charset).replace("\0", "\ufffd")
