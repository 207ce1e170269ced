"""What an order of a shop always says: whether it's paid, what was bought, and what became of it. Else it's parked."""

from __future__ import annotations

from receiver.orders.field_errors import FieldError
from receiver.orders.mapping import Mapping
from receiver.orders.model import Order
from receiver.orders.names import Fields, Place
from receiver.orders.states import COMPLETED, Decision
from receiver.orders.values import is_nothing

#: How the names of fields begin that are headers; those come first.
_HEADER = "header:"
_STATES = (Place("order", 0, "payment_status"), Place("order", 0, "order_status"))
_TOTAL = Place("order", 0, "total")
_NO_STATE = (
    "is missing, so nothing says whether it's paid. This shop always says it: see how the order is there, or map "
    "another parameter"
)
_NO_CONTENTS = (
    "is missing, and there are no items. An order of this shop always has them: see whether it's one, or map "
    "another parameter"
)


def doubts(order: Order, decision: Decision, fields: Fields, mapping: Mapping) -> tuple[FieldError, ...]:
    """Return an error for each thing that an order of this mapping's shop always says, and this one doesn't.

    Only an order that counts as completed is asked for a state and its contents; what became of an order may be told
    by its id alone, but a header that tells it has to fit the body.
    """
    if error := _contradiction(fields, mapping):
        return (error,)
    if decision.outcome != COMPLETED:
        return ()
    errors = []
    # A word may say how far the goods are, and decide nothing.
    if mapping.always_says_what_is_paid and not (decision.word or order.payment_status or order.order_status):
        errors.append(FieldError(_name(mapping, *_STATES), _NO_STATE))
    if mapping.always_says_what_was_bought and order.total is None and not order.items:
        errors.append(FieldError(_name(mapping, _TOTAL), _NO_CONTENTS))
    return tuple(errors)


def _contradiction(fields: Fields, mapping: Mapping) -> FieldError | None:
    """Return what's wrong if the body doesn't hold what its header says."""
    headers = ((name, value.strip().lower()) for name, value in fields if name.startswith(_HEADER))
    header, word = next(((name, word) for name, word in headers if word in mapping.shapes), ("", ""))
    if not header:
        return None
    shape, said = mapping.shapes[word], {name for name, value in fields if not is_nothing(value)}
    wrong = [f"no {name}" for name in shape.has if name not in said] + [name for name in shape.lacks if name in said]
    if not wrong:
        return None
    return FieldError(header, f"is {word}, but the body has {wrong[0]}. See at the shop what became of the order")


def _name(mapping: Mapping, *places: Place) -> str:
    """Return the first parameter whose own words are mapped to one of the places, else our own name of the first."""
    rules = (rule for place in places for rule in mapping.rules if rule.slot == place.slot and rule.present is None)
    return next((name for rule in rules for name in rule.names if name[0] != "$"), places[0].field)
