"""Suggest rules for what an order is: its ids, date, currency, states, and texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from receiver.orders.likeness import ENVELOPE, LEAST, of_order
from receiver.orders.names import KINDS
from receiver.orders.suggestion import Body, Single, Slot, Suggestion, best_read, suggestion, sureness
from receiver.orders.value_clues import Conversion, conversion, currency_of
from receiver.orders.vocabulary import word_set

#: Whether a value may be the field's.
_Fits = Callable[[Single], bool]
_TEXTS = ("locale", "discount_code", "shipping_method", "payment_gateway", "customer_note")
_STATE = re.compile(r"[A-Za-z][A-Za-z _-]{0,39}")
_ID = re.compile(r"(?!.*://|0+$)[^\s@<>{}]{1,200}(?: [^\s@<>{}]{1,50})?")
#: An event's id, as Stripe and PayPal write it: another one at each event of an order.
_EVENT_ID = re.compile(r"evt_|WH-")
#: What belongs to an order has an id of its own.
_OF_OTHERS = {("transaction",), ("checkout",)}
_MODES = {"test": "true", "sandbox": "true", "live": "false", "production": "false"}
_PAIR = {"test": "true", "live": "false"}
#: Of a parameter named ``state``, which may be a part of a country.
_STATES = word_set(
    "paid unpaid open pending completed complete processing approved captured authorized cancelled declined new placed"
)
_CANCELLED = frozenset({"cancelled", "canceled"})
#: A value that may be a date by its look, whatever its name; and how many are tried.
_MAY_BE_A_DATE, _MOST_DATES = re.compile(r"(?=.{8,40}$).*20[0-9]{2}.*"), 10
_SAYS_UTC = re.compile(r"(?i)gmt|utc")
_ZONE = 'has no zone, so it is read as UTC; for a clock of the shop\'s add zone = "Europe/London" or the like'
_LATER = frozenset({"updated", "modified", "expires"})


def facts(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield rules for the fields of the order itself, sums excepted."""
    ids = _ids(body)
    yield from ids.items()
    taken = {str(one.rule) for one in ids.values()}
    yield from _found(
        body, "payment_reference", lambda one: _ID.fullmatch(one.value) is not None and one.text not in taken
    )
    yield from _dates(body)
    yield from _currency(body)
    yield from _states(body)
    for field in _TEXTS:
        yield from _found(body, field, lambda one: re.search(r"[A-Za-z]", one.value) is not None)


def _ids(body: Body) -> dict[Slot, Suggestion]:
    """Return rules for the order's id, and for its number where that is another parameter."""
    ids, numbers = _ranked_ids(body), _ranked(body, "order_number", _is_number)
    found: dict[Slot, Suggestion] = {}
    if ("order", "order_id") not in body.fed and ids:
        chosen = ids[0][1]
        others = [one for _, one in ids if one is not chosen and of_order("payment_reference", one.name) < LEAST]
        if numbers and numbers[0][1] is chosen and others and ("order", "order_number") not in body.fed:
            chosen = others[0]
        found["order", "order_id"] = suggestion(("order", "order_id"), chosen.text, Conversion({}))
        numbers = [pair for pair in numbers if pair[1] is not chosen]
    if ("order", "order_number") not in body.fed and numbers:
        found["order", "order_number"] = suggestion(("order", "order_number"), numbers[0][1].text, Conversion({}))
    return found


def _ranked_ids(body: Body) -> list[tuple[float, Single]]:
    """Return what may be the order's id; beside that of an object in it, the id at the top is the event's."""
    found = _ranked(
        body, "order_id", lambda one: _ID.fullmatch(one.value) is not None and not _EVENT_ID.match(one.value)
    )
    found = [pair for pair in found if conversion(KINDS["order", "order_id"], [pair[1].value], ".") is not None]
    bare = [one.name.parts for _, one in found if one.name.parts[-1] == ("id",)]
    orders = [parts for parts in bare if not _OF_OTHERS & set(parts[:-1])]
    deepest = max(map(len, orders or bare), default=0)
    return [
        (score, one)
        for score, one in found
        if one.name.parts not in bare
        or (
            (one.name.parts in orders or not orders)
            and len(one.name.parts) == deepest
            and not (body.is_event and deepest == 1)
            and one.name.parts[-2:-1] not in ((("event",),), (("events",),))
        )
    ]


def _is_number(one: Single) -> bool:
    return _ID.fullmatch(one.value) is not None and re.search(r"[0-9]", one.value) is not None


def _ranked(body: Body, field: str, fits: _Fits) -> list[tuple[float, Single]]:
    """Return the parameters that may mean a field, the likeliest first, and of two alike the one less deep."""
    ranked = [(sureness(one, of_order(field, one.name)), one) for one in body.said]
    found = [(score, one) for score, one in ranked if score >= LEAST and fits(one)]
    return sorted(found, key=lambda pair: (-pair[0], len(pair[1].name.parts)))


def _found(body: Body, field: str, fits: _Fits) -> Iterator[tuple[Slot, Suggestion]]:
    slot = ("order", field)
    if slot not in body.fed and (found := best_read(slot, _ranked(body, field, fits), body.point)):
        yield slot, found


def _dates(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield a rule for the date: of names that are alike, one that says its zone."""
    slot = ("order", "order_date")
    if slot in body.fed:
        return
    ranked = []
    for score, one in _ranked(body, "order_date", lambda one: re.search(r"[0-9]{4}", one.value) is not None):
        says_zone = bool(
            re.search(r"(?i)z$|[+-][0-9]{2}:?[0-9]{2}$|[A-Z]{3,4}$|^1[0-9]{9}", one.value) or _SAYS_UTC.search(one.text)
        )
        ranked.append((score + 0.03 * says_zone + 0.02 * min(len(one.name.parts) - 1, 2), one))
    if found := best_read(slot, ranked, body.point):
        yield slot, _with_zone_note(found)
        return
    perhaps = [one for one in body.said if _MAY_BE_A_DATE.fullmatch(one.value) and _says_nothing(one)]
    only = [one for one in perhaps[:_MOST_DATES] if _is_a_date(one)]
    if len(only) == 1 and len(perhaps) <= _MOST_DATES and (found := best_read(slot, [(1, only[0])], body.point)):
        yield slot, _with_zone_note(found)


def _with_zone_note(found: Suggestion) -> Suggestion:
    """Return the rule of a date with a note, if neither its form nor its name says in which zone it is."""
    form = found.rule.get("date", "%z") if isinstance(found.rule, dict) else "%z"
    says_zone = form[-2:] in {"%z", "%Z"} or _SAYS_UTC.search(str(found.rule))
    return found if says_zone or found.note else replace(found, note=_ZONE)


def _says_nothing(one: Single) -> bool:
    """Return whether a name says nothing of whose or which date its value is."""
    *around, last = one.name.parts or ((),)
    return all(set(part) <= ENVELOPE for part in around) and not _LATER & set(last)


def _is_a_date(one: Single) -> bool:
    how = conversion(KINDS["order", "order_date"], [one.value], ".")
    return how is not None and "epoch" not in how.keys


def _currency(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    slot = ("order", "currency")
    if slot in body.fed:
        return
    ranked = _ranked(body, "currency", lambda one: len(one.value) <= 40)
    if found := best_read(slot, ranked, body.point):
        yield slot, found
    elif how := currency_of(body.texts):
        yield slot, Suggestion("currency", how.keys, how.note)


def _states(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield rules for what may stop an order: a test's mark, and the states of payment and order."""
    test = ("order", "test")
    if test not in body.fed and (found := next(_tests(body), None)):
        yield test, found
    yield from _found(body, "payment_status", lambda one: _STATE.fullmatch(one.value) is not None)
    slot = ("order", "order_status")
    if slot in body.fed:
        return
    ranked = _ranked(body, "order_status", _is_state)
    if found := best_read(slot, ranked, body.point):
        yield slot, found
        return
    for one in body.singles:
        if (
            len(one.name.parts) == 1
            and one.name.parts[0][0] in _CANCELLED
            and one.name.parts[0][1:] in {("at",), ("on",), ("date",)}
        ):
            yield slot, suggestion(slot, one.text, Conversion({"present": "cancelled"}, "any value means cancelled"))
            return


def _is_state(one: Single) -> bool:
    said = one.value.lower()
    is_known = one.name.parts[-1][-1] != "state" or "order" in one.name.parts[-1] or said in _STATES
    return _STATE.fullmatch(said) is not None and said not in _MODES and is_known


def _tests(body: Body) -> Iterator[Suggestion]:
    slot = ("order", "test")
    for _, one in _ranked(body, "test", lambda one: bool(one.value)) + _ranked(
        body, "order_status", lambda one: one.value.lower() in _MODES
    ):
        said, named = one.value.lower(), one.name.parts[-1]
        if said in _MODES:
            yield suggestion(slot, one.text, Conversion({"words": _MODES if said not in _PAIR else _PAIR}))
        elif "live" in named and said in {"true", "false", "1", "0"}:
            words = {"true": "false", "false": "true"} if said in {"true", "false"} else {"1": "false", "0": "true"}
            yield suggestion(slot, one.text, Conversion({"words": words}))
        elif named[-1] == "mode" and said in {"0", "100"}:
            yield suggestion(slot, one.text, Conversion({"words": {"100": "true"}}))
        elif "mode" not in named[:1] and (how := conversion(KINDS[slot], [one.value], ".")) is not None:
            yield suggestion(slot, one.text, how)
