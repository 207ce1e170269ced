"""Suggest rules for an order's sums: names that say which, tested against each other, in whole or minor units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, product

from receiver.orders.item_rows import ItemRows, json_path
from receiver.orders.likeness import LEAST, of_money
from receiver.orders.minor_units import with_minor
from receiver.orders.names import KINDS
from receiver.orders.phrases import OF_MONEY
from receiver.orders.suggestion import Body, Slot, Suggestion, suggestion, sureness
from receiver.orders.value_clues import Conversion, conversion, plain_amount

#: What totals that add up are worth: more than a likelier name.
_ADDS_UP = 0.6
#: A sum of several parameters is only suggested where the totals add up by it.
_SUMMED = 0.45
_MOST_TRIED = 4


@dataclass(frozen=True)
class _Sum:
    """One way to feed a sum, with how likely it is."""

    score: float
    names: tuple[str, ...]
    value: Decimal
    how: Conversion


def sums(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield rules for the total and the sums that make it."""
    fields = list(OF_MONEY)
    options: dict[str, list[_Sum | None]] = {field: [*_ways(body, field)] or [None] for field in fields}
    best: tuple[float, tuple[_Sum | None, ...]] = (-1.0, ())
    for chosen in product(*options.values()):
        names = [name for one in chosen if one for name in one.names]
        if len(names) > len(set(names)):
            continue
        score = sum(one.score for one in chosen if one)
        score += _ADDS_UP if _adds_up([one.value if one else None for one in chosen]) else 0
        best = max(best, (score, chosen), key=lambda pair: pair[0])
    known = _adds_up([one.value if one else None for one in best[1]]) if best[1] else False
    for field, one in zip(fields, best[1], strict=False):
        if one and one.names and (known or one.score >= LEAST):
            yield (
                ("order", field),
                suggestion(("order", field), one.names[0] if len(one.names) == 1 else [*one.names], one.how),
            )


def _adds_up(amounts: Sequence[Decimal | None]) -> bool:
    """Return whether total = subtotal - discount + shipping, with tax or without it."""
    total, subtotal, discount, shipping, tax = amounts
    if total is None or subtotal is None:
        return False
    zero = Decimal(0)
    net = subtotal - abs(discount or zero) + (shipping or zero)
    return min(abs(total - net), abs(total - net - (tax or zero))) < Decimal("0.01")


def _ways(body: Body, field: str) -> list[_Sum]:
    """Return the likeliest ways to feed a sum; what feeds it already is the only one."""
    slot = ("order", field)
    if slot in body.fed:
        amount = plain_amount(body.fed[slot], body.point)
        return [] if amount is None else [_Sum(0, (), amount, Conversion({}))]
    found = []
    for one in body.said:
        score = sureness(one, of_money(field, one.name))
        how = conversion(KINDS[slot], [one.value], body.point) if score >= LEAST else None
        amount = plain_amount(one.value, body.point)
        if how is not None and amount is not None:
            found.append(
                _Sum(
                    score + 0.01 * ("." in one.value),
                    (one.text,),
                    amount,
                    with_minor(how, body.minor_units, one.text, [one.value]),
                )
            )
    found = sorted(found, key=lambda one: -one.score)[:_MOST_TRIED]
    if field == "discount_total":
        found += [
            _Sum(
                _SUMMED + min(one.score, other.score) / 10,
                one.names + other.names,
                one.value + other.value,
                Conversion({**one.how.keys, "sum": True}),
            )
            for one, other in combinations(found, 2)
            if one.value and other.value
        ]
    if field == "subtotal" and body.rows is not None and ("items", "total") not in body.fed:
        found += _of_lines(body, body.rows)
    return found


def _of_lines(body: Body, rows: ItemRows) -> Iterator[_Sum]:
    """Yield the sum of what the lines cost before discounts."""
    for _, column in rows.best("total"):
        amounts = [plain_amount(value, body.point) for value in rows.columns[column] if value]
        values = [amount for amount in amounts if amount is not None]
        if values and len(values) == len(amounts) and rows.before:
            path = f"{rows.selector or json_path('$', rows.before) + '[*]'}{json_path('', column)}"
            how = with_minor(Conversion({"sum": True}), body.minor_units, column, rows.columns[column])
            yield _Sum(_SUMMED, (path,), sum(values, Decimal(0)), how)
