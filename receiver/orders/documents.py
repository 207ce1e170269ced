"""The fields of a body as the document they were flattened from, and what a JSONPath selects in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError

from receiver.orders.names import LONGEST_CACHED, Fields

#: One step of a name: ``[0]``, ``[key]``, ``[]``, or what stands between full stops.
_STEP = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)|\.")
_ENVIRONMENT = JSONPathEnvironment(strict=True)
#: The key of a text that has children too, such as ``billing`` beside ``billing.city``.
_OWN_TEXT = ""

_Tree = dict[str | int, Any]


def document_of(fields: Fields) -> Any:
    """Return the nested document whose leaves are the fields.

    Names nest by full stops and by brackets alike: ``lines[0].sku``, ``lines[0][sku]`` and, as Rails writes it,
    ``lines[][sku]``, where a new row begins with a name that the last row has. Numbers make a list in their order,
    whatever they begin with.
    """
    root: _Tree = {}
    for name, value in fields:
        _put(root, steps_of(name), value)
    return _as_lists(root)


@lru_cache(maxsize=1024)
def compiled(expression: str) -> JSONPath:
    """Return a compiled JSONPath (RFC 9535). Raises ValueError if the text isn't one."""
    try:
        path = _ENVIRONMENT.compile(expression)
    except Exception as error:  # beside its own errors the parser lets out others
        raise ValueError(f"is no JSONPath: {error.args[0] if error.args else expression}") from error
    if not isinstance(path, JSONPath):
        raise ValueError("is more than one JSONPath: write one rule for each")
    return path


def nodes(expression: str, document: Any) -> list[Any]:
    """Return what the expression selects, in the document's order; nothing where it goes too deep."""
    try:
        return list(compiled(expression).findall(document))
    except (JSONPathError, RecursionError):
        return []


def texts(expression: str, document: Any) -> list[str]:
    """Return the texts that the expression selects."""
    found = (node.get(_OWN_TEXT) if isinstance(node, dict) else node for node in nodes(expression, document))
    return [node for node in found if isinstance(node, str)]


def steps_of(name: str) -> tuple[str | int, ...]:
    """Return the keys that lead to a name's value, or to a simple path's; -1 means a row without a number."""
    return _cached_steps(name) if len(name) <= LONGEST_CACHED else _find_steps(name)


def _find_steps(name: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    for match in _STEP.finditer(name):
        in_brackets, plain = match[1], match[2]
        if in_brackets is None:
            steps += [plain] if plain else []
        elif not in_brackets:
            steps.append(-1)
        else:
            steps.append(int(in_brackets) if in_brackets.isdecimal() and len(in_brackets) < 19 else in_brackets)
    return tuple(steps) or (name,)


_cached_steps = lru_cache(maxsize=4096)(_find_steps)


def _put(root: _Tree, steps: tuple[str | int, ...], value: str) -> None:
    node = root
    for position, step in enumerate(steps[:-1]):
        if step == -1:
            step = _row_for(node, steps[position + 1 :])
        below = node.get(step)
        if not isinstance(below, dict):
            below = node[step] = {} if below is None else {_OWN_TEXT: below}
        node = below
    last = steps[-1]
    if last == -1:
        last = len(node)
    if isinstance(node.get(last), dict):
        node[last].setdefault(_OWN_TEXT, value)
    else:
        node.setdefault(last, value)


def _row_for(node: _Tree, rest: tuple[str | int, ...]) -> int:
    """Return the row of a value whose name has no number: the last row, or a new one if that has such a value."""
    if not node:
        return 0
    row = len(node) - 1
    below: Any = node.get(row)
    for step in rest:
        if not isinstance(below, dict) or step not in below:
            return row
        below = below[step]
    return row + 1


def _as_lists(node: Any) -> Any:
    """Return the tree with each branch of numbers as a list."""
    if not isinstance(node, dict):
        return node
    if node and all(isinstance(key, int) for key in node):
        return [_as_lists(node[key]) for key in sorted(node)]
    return {str(key): _as_lists(below) for key, below in node.items()}
