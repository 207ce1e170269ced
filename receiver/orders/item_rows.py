"""Find the list of a body that holds the order's items, and the names of one row in it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field

from receiver.orders.likeness import is_envelope, item_pattern, without_tax_words
from receiver.orders.names import Fields
from receiver.orders.phrases import OF_ITEM, Phrase
from receiver.orders.vocabulary import our_words, word_set

#: One number in a path: ``[0]``, ``.0.``, or the ``[]`` of a list without numbers.
_NUMBER_STEP = re.compile(r"\[([0-9]{0,18})\]|(?<=\.)([0-9]{1,18})(?=\.)")
_STEP = re.compile(r"\[([^\[\]]*)\]|([^.\[\]]+)")
#: Lists that hold something else than items, whatever is like an item in them.
_OTHER_LISTS = word_set(
    "tax shipping discount coupon refund refunds fulfillment fulfillments payment link links "
    "meta custom option options address note "
    "fee subscription return returns captures customer properties metadata duties adjustments status"
)
_ITEM_LISTS = frozenset({"item", "cart", "charges", "positions", "tickets", "entries", "contents"})
_OF_A_PRODUCT = re.compile(r"(?i)product|article|artikel|produkt|produit")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_ROWS = 20
#: So many lists inside each other are looked at.
_DEEPEST = 4
_LIKELY = ("name", "quantity", "unit_price", "sku")


@dataclass
class ItemRows:
    """One list whose rows may be the items."""

    #: What stands before a row's number in its names; empty where the names themselves hold the number.
    before: str
    #: What follows the number, or the whole pattern -> the values, by row.
    columns: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Column -> the name that a rule writes.
    names: dict[str, str] = field(default_factory=dict)
    #: Every way in which ``before`` was written, with its numbers.
    written: set[str] = field(default_factory=set)
    #: Written as ``items[][name]``: a new row begins where a name comes again.
    has_no_numbers: bool = False
    #: The JSONPath that selects the rows, where a name with ``[]`` can't.
    selector: str | None = None

    def best(self, of: str) -> list[tuple[float, str]]:
        """Return the columns that may mean an item's field, the surest first."""
        found = [(_likeness(of, column, numbered=not self.before), column) for column in self.columns]
        return sorted((one for one in found if one[0] > 0), key=lambda one: -one[0])

    @property
    def likelihood(self) -> float:
        """How surely these are the items; 0 where they aren't."""
        last = _last_step(self.before)
        words = our_words(last)
        if _OTHER_LISTS & set(words) and last not in _ITEM_LISTS:
            return 0
        named = [columns[0][0] for of in _LIKELY if (columns := self.best(of))]
        is_list_of_items = bool(_ITEM_LISTS & {*words, last}) or (
            not self.before and any("item" in our_words(c) for c in self.columns)
        )
        least = 1 if is_list_of_items and self.best("name") else 3 - is_list_of_items
        return sum(named) + is_list_of_items if len(named) >= least else 0


def find_rows(fields: Fields) -> list[ItemRows]:
    """Return the lists that may hold the items, the likeliest first."""
    lists: dict[str, ItemRows] = {}
    for name, value in fields:
        numbers = list(_NUMBER_STEP.finditer(name))[:_DEEPEST]
        for match in numbers:
            written, column = name[: match.start()], name[match.end() :]
            rows = lists.setdefault(key := _NUMBER_STEP.sub("[*]", written), ItemRows(key))
            rows.written.add(written)
            rows.has_no_numbers |= match[0] == "[]"
            _add(rows, column, f"{written}{'[]' if match[0][0] == '[' else '{n}'}{column}", value)
        if not numbers and (pattern := item_pattern(name)):
            _add(lists.setdefault("", ItemRows("")), pattern, pattern, value)
    for rows in lists.values():
        if len(rows.written) > 1 or rows.has_no_numbers:
            rows.selector = json_path("$", rows.before) + "[*]"
    return sorted((rows for rows in lists.values() if rows.likelihood), key=lambda rows: -rows.likelihood)


def single_row(fields: Fields) -> ItemRows | None:
    """Return the names of an order's only item, which have no number: ``item_name``, ``quantity``."""
    rows = ItemRows("", selector="$")
    for name, value in fields:
        steps = [our_words(step) for step in _steps(name)]
        first = next((place for place, words in enumerate(steps) if words[:1] in (("item",), ("quantity",))), None)
        if (
            first is not None
            and not _NUMBER_STEP.search(name)
            and all(is_envelope(step) for step in _steps(name)[:first])
        ):
            _add(rows, ".".join(_steps(name)[first:]), name, value)
    return rows if rows.best("name") else None


def json_path(root: str, name: str) -> str:
    """Return the JSONPath to a name's place below a root, ``[*]`` kept as it is."""
    path = root
    for key in _steps(name):
        if key.isdigit() or key in ("*", "{n}"):
            path += f"[{key}]"
        elif key:
            path += f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{_quoted(key)}]"
    return path


def _quoted(key: str) -> str:
    return f"'{key}'" if key.isprintable() and not {"'", "\\"} & set(key) else json.dumps(key)


def _add(rows: ItemRows, column: str, name: str, value: str) -> None:
    rows.names.setdefault(column, name)
    if len(rows.columns[column]) < _MOST_ROWS:
        rows.columns[column].append(value.strip())


def _steps(name: str) -> list[str]:
    return [match[1] if match[1] is not None else match[2] for match in _STEP.finditer(name)]


def _last_step(before: str) -> str:
    return next((step for step in reversed(_steps(before)) if step not in ("", "*")), "")


def _likeness(of: str, column: str, *, numbered: bool) -> float:
    """Return how surely a column means an item's field; lists inside a row mean none."""
    if _NUMBER_STEP.search(column) or (of == "id" and not _OF_A_PRODUCT.search(column)):
        return 0
    steps = [our_words(step) for step in _steps(column.replace("{n}", ""))]
    words: Phrase = ()
    for step in steps:
        words += step if words[-1:] != step[:1] else step[1:]
    words, phrases = without_tax_words(words), OF_ITEM[of]
    found = phrases.get(words, 0)
    if not found and words[:1] == ("item",):
        found = phrases.get(words[1:], 0)
    if not found and numbered and words and len(words[0]) <= 2:
        found = phrases.get(words[1:], 0)
    if not found and len(steps) > 1 and steps[-1] in (("value",), ("amount",)):
        found = phrases.get(words[:-1], 0) or phrases.get(words[1:-1] if words[:1] == ("item",) else (), 0)
    return found
