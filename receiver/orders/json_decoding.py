"""The JSON encoding of an order POST: a document to fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.names import Fields

MOST_LEVELS = 64
# Every leaf below a long key repeats it, so an unlimited path could multiply a small body in memory.
LONGEST_PATH = 1000
#: Bytes that a path may have in memory, on average.
_OF_EACH_PATH = 200
TOO_LONG_PATHS = "The names of the values in the body are too long, together with the names of what they're in."

#: A text without an end reaches to the end of the body: if it didn't match, each quote in it would be tried in turn.
_TEXTS = re.compile(r'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")

_CONTROL_CHARACTERS = (
    "The JSON holds raw control characters in its texts, such as line breaks; they were read as they are."
)
_UNWRAPPED = "The JSON is a text that holds JSON; that was read."


def decode_json(text: str, max_fields: int, *, path: str = "") -> tuple[Fields, tuple[str, ...]]:
    """Return the leaves of a JSON object or list with their paths, and what was read leniently.

    Numbers keep the text that they were written in. Raises BrokenOff for a document that ends too early, Undecodable
    for anything else that is no object or list of at most 64 levels, TooLarge for more leaves than ``max_fields``.
    """
    document, notes = _parsed(text, max_fields)
    if isinstance(document, str) and not path:  # encoded twice on the way
        document, _ = _parsed(document, max_fields)
        notes = (*notes, _UNWRAPPED)
    if not isinstance(document, tuple | list):
        raise Undecodable("The JSON must be an object or a list.")
    fields = list(islice(_leaves(document, path, max_fields), max_fields + 1))
    if len(fields) > max_fields:
        raise _too_many(max_fields)
    return fields, notes


def longest_paths(max_fields: int) -> int:
    """Return how large all paths of a document may be together."""
    return max(_OF_EACH_PATH * max_fields, 100 * LONGEST_PATH)


def size_of_path(path: str) -> int:
    """Return the bytes that a path has in memory."""
    return len(path) if path.isascii() else 4 * len(path)


def _too_many(max_fields: int) -> TooLarge:
    return TooLarge(f"The body has more than {max_fields} values.")


def has_signs(text: str, signs: str, most: int) -> bool:
    """Return whether JSON has more than ``most`` of these signs outside its texts."""

    def count(text: str) -> int:
        return sum(map(text.count, signs))

    return count(text) > most and count(_TEXTS.sub("", text)) > most


def _parsed(text: str, max_fields: int) -> tuple[Any, tuple[str, ...]]:
    """Return the document, objects as tuples of pairs, so that a name that's given twice isn't lost."""
    # Before it's all in memory; empty lists and objects count too.
    most = 2 * max_fields + MOST_LEVELS
    if has_signs(text, ",", most):
        raise _too_many(max_fields)
    if has_signs(text, "[{", most):
        raise _too_deep()
    try:
        try:
            return _load(text, strict=True), ()
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
            return _load(text, strict=False), (_CONTROL_CHARACTERS,)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            raise BrokenOff("The JSON broke off before its end; send it again.") from error
        raise Undecodable(
            f"The body is not one JSON document: it goes wrong in line {error.lineno}, column {error.colno}."
        ) from error


def _load(text: str, *, strict: bool) -> Any:
    return json.loads(text, object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str, strict=strict)


def _leaves(document: Any, path: str, max_fields: int) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value that holds no others."""
    left = longest_paths(max_fields)
    open_nodes = [_children(document, path)]
    while open_nodes:
        for child_path, child in open_nodes[-1]:
            if len(child_path) > LONGEST_PATH:
                raise Undecodable(f"A name in the JSON is longer than {LONGEST_PATH} characters.")
            if isinstance(child, tuple | list):
                if len(open_nodes) == MOST_LEVELS:
                    raise _too_deep()
                open_nodes.append(_children(child, child_path))
                break
            left -= size_of_path(child_path)
            if left < 0:
                raise TooLarge(TOO_LONG_PATHS)
            yield _clean(child_path), _clean(_leaf_text(child))
        else:
            open_nodes.pop()


def _children(node: tuple[Any, ...] | list[Any], path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        yield from ((f"{path}[{row}]", child) for row, child in enumerate(node))
        return
    prefix = f"{path}." if path else ""
    yield from ((prefix + key, child) for key, child in node)


def _leaf_text(leaf: str | bool | None) -> str:
    if isinstance(leaf, str):
        return leaf
    return "" if leaf is None else str(leaf).lower()


def _clean(text: str) -> str:
    """Replace what databases don't keep: NUL, and half of a surrogate pair, which UTF-8 can't carry."""
    return _NOT_KEPT.sub("\ufffd", text)


def _too_deep() -> Undecodable:
    return Undecodable(f"The JSON is nested deeper than {MOST_LEVELS} levels, or too often.")
