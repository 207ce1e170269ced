"""What an order of a shop always says: whether it's paid, and what was bought. One that doesn't is parked."""

from __future__ import annotations

from receiver.orders.field_errors import FieldError
from receiver.orders.mapping import Mapping
from receiver.orders.model import Order
from receiver.orders.names import Place
from receiver.orders.states import COMPLETED, Decision

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


def unsaid(order: Order, decision: Decision, mapping: Mapping) -> tuple[FieldError, ...]:
    """Return an error for each thing that an order of this mapping's shop always says, and this one doesn't.

    Only an order that counts as completed is asked; what became of an order may be told by its id alone.
    """
    if decision.outcome != COMPLETED:
        return ()
    errors = []
    # A word may say how far the goods are, and decide nothing.
    if mapping.always_says_what_is_paid and not (decision.word or order.payment_status or order.order_status):
        errors.append(FieldError(_name(mapping, *_STATES), _NO_STATE))
    if mapping.always_says_what_was_bought and order.total is None and not order.items:
        errors.append(FieldError(_name(mapping, _TOTAL), _NO_CONTENTS))
    return tuple(errors)


def _name(mapping: Mapping, *places: Place) -> str:
    """Return the first parameter that's mapped to one of the places, else our own name of the first."""
    return next((name for place in places for name in mapping.names_for(place)), places[0].field)
