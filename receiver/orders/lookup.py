"""The values of a body, by any kind of name that a mapping's rule may use."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from receiver.orders.documents import document_of, nodes, texts
from receiver.orders.names import Fields
from receiver.orders.values import is_nothing


class Row(NamedTuple):
    """One row of the items: by the number in its names, or by the node that the rows' JSONPath selected."""

    number: int
    node: Any = None


class Lookup:
    """The values of one body, by name.

    A name is a parameter's own, such as ``order[total]``; or a JSONPath, such as ``$.lines[0].sku``. In the rule of an
    item's field ``{n}`` or ``[]`` stands for the row's number, also in a JSONPath, and ``@`` for the row that the
    mapping's ``items`` selects. Values that say nothing count as missing.
    """

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._numbered: dict[str, dict[int, list[tuple[str, str]]]] = {}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            if not is_nothing(value):
                self._by_name[name].append(value.strip())

    @cached_property
    def document(self) -> Any:
        """The body as the document that it was."""
        return document_of(self._fields)

    def values(self, name: str, row: Row | None = None) -> list[str]:
        """Return the values that a name has, those of one row where it's given."""
        if name[0] == "@":
            return _said(texts(f"${name[1:]}", row.node)) if row else []
        if name[0] == "$":
            return _said(texts(name.replace("{n}", str(row.number)) if row else name, self.document))
        if row and is_template(name):
            return _said([value for _, value in self.numbered(name).get(row.number, [])])
        return self._by_name.get(name, [])

    def sent_name(self, name: str, row: Row | None) -> str:
        """Return the name under which the values came: the parameter's own, or the JSONPath."""
        if row and is_template(name) and name[0] not in "$@":
            return next((sent for sent, value in self.numbered(name)[row.number] if not is_nothing(value)), name)
        return name

    def rows(self, selector: str) -> list[Row]:
        """Return the rows of the items that a JSONPath selects."""
        return [Row(number, node) for number, node in enumerate(nodes(selector, self.document))]

    def numbered(self, template: str) -> dict[int, list[tuple[str, str]]]:
        """Return the parameters that fit a name with a place for a number, empty ones too, by that number."""
        if template not in self._numbered:
            found: dict[int, list[tuple[str, str]]] = defaultdict(list)
            pattern = _pattern(template)
            for name, value in self._fields:
                if match := pattern.fullmatch(name):
                    found[int(match[1])].append((name, value))
            self._numbered[template] = found
        return self._numbered[template]

    def pairs(self, name: str, row: Row, keys: tuple[tuple[str, ...], tuple[str, ...]]) -> dict[str, str]:
        """Return the options of an item that are listed as pairs of a name and a value."""
        path = f"${name[1:]}" if name[0] == "@" else name.replace("{n}", str(row.number))
        found = nodes(path, row.node if name[0] == "@" else self.document)
        named = [tuple(_first(node, names) for names in keys) for node in found if isinstance(node, dict)]
        return {key: value for key, value in named if key and value}


def _first(node: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the first text that has one of the names."""
    return next((text for name in names if isinstance(text := node.get(name), str) and text), "")


def is_template(name: str) -> bool:
    """Return whether a name has a place for the number of a row."""
    return "{n}" in name or "[]" in name


def matches(template: str, name: str) -> bool:
    """Return whether a parameter's name fits a name with a place for a number."""
    return _pattern(template).fullmatch(name) is not None


def _said(values: list[str]) -> list[str]:
    return [value.strip() for value in values if not is_nothing(value)]


@lru_cache
def _pattern(template: str) -> re.Pattern[str]:
    before, after = re.split(r"\{n\}|(?<=\[)(?=\])", template, maxsplit=1)
    return re.compile(rf"{re.escape(before)}([0-9]{{1,18}}){re.escape(after)}")
