"""Suggest rules for the items: which list holds them, and which of its columns feeds which field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from receiver.orders.item_rows import ItemRows, json_path
from receiver.orders.likeness import LEAST
from receiver.orders.minor_units import with_minor
from receiver.orders.names import KINDS, target_of
from receiver.orders.phrases import OF_ITEM
from receiver.orders.suggestion import Body, Slot, Suggestion
from receiver.orders.value_clues import Conversion, conversion, plain_amount

#: Keys of a pair that is one option of an item, by the list that holds it.
_PAIRS = (
    ("display_key", "display_value"),
    ("display_name", "display_value"),
    ("optionName", "value"),
    ("option", "selection"),
    ("name", "value"),
    ("label", "value"),
    ("key", "value"),
    ("title", "value"),
)
_OF_OPTIONS = re.compile(r"(?i)option|propert|custom|attribute|variation|modifier|meta_data|personali[sz]ation|choice")
_OPTION = re.compile(r"\.?(.+?)\[0\]\.?([A-Za-z_]+)")
_FALLBACK_IDS = ("product_id", ".product_id", ".productId", ".product.id", ".id", "[id]", "[product_id]")


def items(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield rules for the fields of every item."""
    rows = body.rows
    if rows is None:
        return
    columns = {of: column for of in OF_ITEM if (column := _column(body, rows, of)) is not None}
    if ("items", "sku") not in body.fed and "sku" not in columns and (column := _id_for_sku(rows)):
        columns["sku"] = column
    for of, column in columns.items():
        slot = ("items", of)
        if slot not in body.fed:
            how = _how(body, rows, of, column)
            if how is not None and (of != "total" or _is_line_total(body, rows, columns, column)):
                yield slot, Suggestion(target_of(slot), _rule(rows, column, how), how.note)
    slot = ("items", "unit_price")
    if slot not in body.fed and "unit_price" not in columns and {"total", "quantity"} <= columns.keys():
        how = _how(body, rows, "total", columns["total"])
        if how is not None:
            divided = Conversion({**how.keys, "divide": _name(rows, columns["quantity"])}, how.note)
            yield slot, Suggestion(target_of(slot), _rule(rows, columns["total"], divided), divided.note)
    if ("items", "options") not in body.fed and (options := _options(rows)):
        yield ("items", "options"), options


def _column(body: Body, rows: ItemRows, of: str) -> str | None:
    """Return the likeliest column whose values can be read as the field."""
    return next(
        (
            column
            for score, column in rows.best(of)
            if _fits(of, rows.columns[column])
            and score >= LEAST
            and any(rows.columns[column])
            and _how(body, rows, of, column) is not None
        ),
        None,
    )


def _fits(of: str, values: list[str]) -> bool:
    """Return whether the values may be the field's: a name has letters."""
    return of != "name" or any(re.search(r"[^\W\d_]", value) for value in values)


def _how(body: Body, rows: ItemRows, of: str, column: str) -> Conversion | None:
    kind = KINDS["items", of]
    how = conversion(kind, [value for value in rows.columns[column] if value], body.point)
    return (
        with_minor(how, body.minor_units, column, rows.columns[column])
        if how is not None and kind.name == "amount"
        else how
    )


def _id_for_sku(rows: ItemRows) -> str | None:
    """Return the product's id, where no column says that it is the stock-keeping unit."""
    return next((column for column in _FALLBACK_IDS if column in rows.columns and all(rows.columns[column])), None)


def _is_line_total(body: Body, rows: ItemRows, columns: dict[str, str], column: str) -> bool:
    """Return whether a column is what each line costs before discount and tax: its price times its quantity."""
    if not {"unit_price", "quantity"} <= columns.keys():
        return True
    triples = zip(*(rows.columns[one] for one in (columns["unit_price"], columns["quantity"], column)), strict=False)
    amounts = [[plain_amount(text, body.point) for text in texts] for texts in triples]
    return all(
        price is not None and count is not None and total is not None and abs(price * count - total) < Decimal("0.02")
        for price, count, total in amounts
    )


def _rule(rows: ItemRows, column: str, how: Conversion) -> str | dict[str, object]:
    return {"from": _name(rows, column), **how.keys} if how.keys else _name(rows, column)


def _name(rows: ItemRows, column: str) -> str:
    """Return the name of a column as a rule writes it: below ``@`` where a JSONPath selects the rows."""
    if rows.selector is None:
        return rows.names[column]
    return json_path("@", rows.names[column] if rows.selector == "$" else column)


def _options(rows: ItemRows) -> Suggestion | None:
    """Return the rule for a list of name and value in each row."""
    keys: dict[str, set[str]] = {}
    for column in rows.columns:
        if (match := _OPTION.fullmatch(column)) and _OF_OPTIONS.search(match[1]):
            keys.setdefault(match[1], set()).add(match[2])
    pairs = [(inner, pair) for inner, found in keys.items() for pair in _PAIRS if set(pair) <= found]
    first = dict(reversed(pairs))
    if not first or not rows.before:
        return None
    row = "@" if rows.selector else json_path("$", next(iter(rows.written))) + "[{n}]"
    rule: dict[str, Any] = {"from": _one_or_all(json_path(row, inner) + "[*]" for inner in sorted(first))}
    for key, place, usual in (("name", 0, "name"), ("values", 1, "value")):
        names = _one_or_all(pair[place] for pair in first.values())
        rule |= {} if names == usual else {key: names}
    return Suggestion("items[].options", rule)


def _one_or_all(texts: Iterable[str]) -> str | list[str]:
    """Return the texts without repeats, one alone as it is."""
    found = list(dict.fromkeys(texts))
    return found[0] if len(found) == 1 else found
