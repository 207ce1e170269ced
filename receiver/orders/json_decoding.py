"""The JSON encoding of an order POST: bytes to fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

from receiver.errors import TooLarge, Undecodable
from receiver.orders.names import Fields

_MOST_LEVELS = 64
# Every leaf below a long key repeats it, so an unlimited path could multiply a small body in memory.
_LONGEST_PATH = 1000
#: The paths under which JSON has an object or a list of the contract.
CONTAINER = re.compile(r"customer|billing|shipping|items|custom|items\[[0-9]+\]\.options")


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
    fields = list(islice(_leaves(document), max_fields + 1))
    if len(fields) > max_fields:
        raise TooLarge(f"The body has more than {max_fields} values.")
    return fields


def _leaves(node: Any, path: str = "", level: int = 1) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value that holds no others."""
    if not isinstance(node, tuple | list):
        yield _clean(path), _clean(_leaf_text(node))
        return
    if level > _MOST_LEVELS:
        raise _too_deep()
    for child_path, child in _children(node, path):
        if len(child_path) > _LONGEST_PATH:
            raise Undecodable(f"A name in the JSON is longer than {_LONGEST_PATH} characters.")
        yield from _leaves(child, child_path, level + 1)


def _children(node: tuple[Any, ...] | list[Any], path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        yield from ((f"{path}[{row}]", child) for row, child in enumerate(node))
        return
    prefix = f"{path}." if path else ""
    seen = set()
    for key, child in node:
        if key in seen and CONTAINER.fullmatch(prefix + key):
            raise Undecodable(f"The name {prefix}{key} is given twice.")
        seen.add(key)
        yield prefix + key, child


def _leaf_text(leaf: str | bool | None) -> str:
    if isinstance(leaf, str):
        return leaf
    return "" if leaf is None else str(leaf).lower()


def _clean(text: str) -> str:
    """Refuse what UTF-8 can't carry, and replace NUL, which databases don't keep."""
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
