"""What a completed order is: the door of the package. Pure: no Flask, no database, no network."""

from __future__ import annotations

from receiver.orders.card_guard import Guarded, guard
from receiver.orders.card_numbers import holds_masked_number, mask
from receiver.orders.comparing import holds_all, is_cut_of, is_same_form
from receiver.orders.cut_forms import MAY_BE_INCOMPLETE, guard_cut, read_held_back
from receiver.orders.decoding import decode
from receiver.orders.encoding import encode_form, encode_json
from receiver.orders.explain import Explained, Explanation, explain
from receiver.orders.field_errors import FieldError
from receiver.orders.mapping import Mapping
from receiver.orders.model import Address, Customer, Item, Order
from receiver.orders.names import Fields
from receiver.orders.parsing import NotUnderstood, Understood, read
from receiver.orders.suggestions import Suggestion

__all__ = [
    "MAY_BE_INCOMPLETE",
    "Address",
    "Customer",
    "Explained",
    "Explanation",
    "FieldError",
    "Fields",
    "Guarded",
    "Item",
    "Mapping",
    "NotUnderstood",
    "Order",
    "Suggestion",
    "Understood",
    "decode",
    "encode_form",
    "encode_json",
    "explain",
    "guard",
    "guard_cut",
    "holds_all",
    "holds_masked_number",
    "is_cut_of",
    "is_same_form",
    "mask",
    "read",
    "read_held_back",
]
