"""An order to the body of a POST, as a form or as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from receiver.orders.model import Order
from receiver.orders.names import MADE_HERE, PARTS, Fields, Place, form_name, place_of

#: The paths under which JSON has an object or a list of the contract.
_CONTAINER = re.compile(r"customer|billing|shipping|items|custom|items\[[0-9]+\]\.options")


def encode_form(order: Order, extra_fields: Fields | tuple[()] = ()) -> bytes:
    """Return the form body of an order in UTF-8; ``extra_fields`` come last, as they are."""
    return urlencode([*form_fields(order), *extra_fields]).encode("ascii")


def encode_json(order: Order, extra_fields: Fields | tuple[()] = ()) -> bytes:
    """Return the JSON body of an order; ``extra_fields`` are added at the top level, each name once."""
    return json.dumps(as_json(order) | dict(extra_fields), ensure_ascii=False).encode()


def as_json(order: Order) -> dict[str, Any]:
    """Return what a JSON body holds of an order, with unknown fields at the top level.

    An unknown field that has the name of a container, such as ``shipping``, is left out: JSON has one place for both.
    """
    unknown = {name: value for name, value in _unknown_fields(order).items() if not _CONTAINER.fullmatch(name)}
    return _contract_fields(order) | unknown


def form_fields(order: Order) -> Iterator[tuple[str, str]]:
    """Yield the flat names and text values of an order in the order of its model, unknown fields last."""
    for name, value in _contract_fields(order).items():
        if name == "items":
            for row, item in enumerate(value):
                yield from _named(item, "items", row)
        elif name in PARTS:
            yield from _named(value, name)
        elif name == "custom":
            yield from ((f"custom_{key}", text) for key, given in value.items() for text in _texts(given))
        else:
            yield from ((name, text) for text in _texts(value))
    yield from ((name, text) for name, value in _unknown_fields(order).items() for text in _texts(value))


def _contract_fields(order: Order) -> dict[str, Any]:
    """Return the contract's fields of an order as JSON nests them; missing ones are left out."""
    whole = order.model_dump(mode="json", exclude_none=True, exclude=set(MADE_HERE))
    return _filled(whole | {"items": [_filled(item) for item in whole["items"]]})


def _unknown_fields(order: Order) -> dict[str, str | list[str]]:
    """Return the unknown fields, without any that a mapping left unread under one of the contract's names."""
    return {name: value for name, value in order.extra.items() if place_of(name) is None}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ({}, [])}


def _named(values: dict[str, Any], part: str, row: int = 0) -> Iterator[tuple[str, str]]:
    for field, value in values.items():
        yield from ((form_name(Place(part, row, field)), text) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [", ".join(f"{name}: {choice}" for name, choice in value.items())]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
