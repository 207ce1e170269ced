"""The JSON encoding of an order POST, both ways: bytes to fields, and an order to bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from receiver.errors import TooLarge, Undecodable
from receiver.orders.model import Order
from receiver.orders.names import MADE_HERE, Fields, place_of

_MOST_LEVELS = 64
# Every leaf below a long key repeats it, so an unlimited path could multiply a small body in memory.
_LONGEST_PATH = 1000
_CONTAINER = re.compile(r"customer|billing|shipping|items|custom|items\[[0-9]+\]\.options")


def decode_json(body: bytes, max_fields: int) -> Fields:
    """Return the leaves of a JSON object with their paths; numbers keep the text they were written in.

    Raises Undecodable for anything but one UTF-8 object of at most 64 levels without NaN, lone surrogates or
    a container of the contract given twice, TooLarge for more leaves than ``max_fields``.
    """
    try:
        document = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=tuple,
            parse_float=str,
            parse_int=str,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise Undecodable("The body is not UTF-8, which JSON must be.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Undecodable("The body is not one JSON document.") from error
    if not isinstance(document, tuple):
        raise Undecodable("The JSON must be an object: { … }.")
    fields: Fields = []
    _flatten(document, "", 1, fields, max_fields)
    return fields


def contract_fields(order: Order) -> dict[str, Any]:
    """Return the contract's fields of an order as JSON nests them; missing ones are left out."""
    whole = order.model_dump(mode="json", exclude_none=True, exclude=set(MADE_HERE))
    return _without_empty_containers(whole)


def unknown_fields(order: Order) -> dict[str, str | list[str]]:
    """Return the extra fields of an order, but those that came beside a mapping under a name of the contract."""
    return {name: value for name, value in order.extra.items() if place_of(name) is None}


def as_json(order: Order) -> dict[str, Any]:
    """Return what a JSON body holds of an order; unknown fields stand at the top.

    An unknown field that has the name of a container, such as ``shipping``, is left out: JSON has one place for both.
    """
    unknown = {name: value for name, value in unknown_fields(order).items() if not _CONTAINER.fullmatch(name)}
    return contract_fields(order) | unknown


def encode_json(order: Order, extra_fields: Fields | tuple[()] = ()) -> bytes:
    """Return the JSON body of an order; ``extra_fields`` are added at the top level, each name once."""
    return json.dumps(as_json(order) | dict(extra_fields), ensure_ascii=False).encode()


def _without_empty_containers(node: dict[str, Any]) -> dict[str, Any]:
    if "items" in node:
        node["items"] = [_without_empty_containers(item) for item in node["items"]]
    return {name: value for name, value in node.items() if value not in ({}, [])}


def _flatten(node: Any, path: str, level: int, fields: Fields, max_fields: int) -> None:
    if isinstance(node, tuple | list):
        if level > _MOST_LEVELS:
            raise _too_deep()
        for child_path, child in _children(node, path):
            if len(child_path) > _LONGEST_PATH:
                raise Undecodable(f"A name in the JSON is longer than {_LONGEST_PATH} characters.")
            _flatten(child, child_path, level + 1, fields, max_fields)
        return
    if len(fields) >= max_fields:
        raise TooLarge(f"The body has more than {max_fields} values.")
    fields.append((_clean(path), _clean(_leaf_text(node))))


def _children(node: tuple[Any, ...] | list[Any], path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        yield from ((f"{path}[{row}]", child) for row, child in enumerate(node))
        return
    prefix = f"{path}." if path else ""
    seen = set()
    for key, child in node:
        if key in seen and _CONTAINER.fullmatch(prefix + key):
            raise Undecodable(f"The name {prefix}{key} is given twice.")
        seen.add(key)
        yield prefix + key, child


def _leaf_text(leaf: str | bool | None) -> str:
    if isinstance(leaf, str):
        return leaf
    return "" if leaf is None else str(leaf).lower()


def _clean(text: str) -> str:
    """Refuse what UTF-8 cannot carry, and replace NUL, which databases do not keep."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Undecodable("The JSON holds half of a surrogate pair.") from error
    return text.replace("\0", "\ufffd")


def _refuse_constant(_name: str) -> NoReturn:
    raise Undecodable("NaN and Infinity are not JSON.")


def _too_deep() -> Undecodable:
    return Undecodable(f"The JSON is nested deeper than {_MOST_LEVELS} levels.")
