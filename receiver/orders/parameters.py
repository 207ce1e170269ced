"""The parameters of an order POST as the order guide lists them: from the models, with an order's own values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from receiver.orders.encoding import as_json, encode_form, form_fields
from receiver.orders.model import Order
from receiver.orders.names import KINDS, PARTS, Place, form_name, json_path

#: The form name that a group begins with, and the group's heading.
_HEADINGS = {
    "format_version": "Event",
    "store_id": "Shop",
    "order_id": "Order",
    "currency": "Amounts",
    "shipping_method": "Shipping, payment, note",
    "customer_id": "Customer",
    "billing_name": "Billing address",
    "shipping_name": "Shipping address",
    "item_N_id": "Items",
    "custom_…": "The shop's own fields",
}


class Parameter(NamedTuple):
    """One line of the order guide."""

    form: str
    json: str
    kind: str
    #: A malformed value parks the order; else it is noted and counts as missing.
    parks: bool
    always_sent: bool
    description: str
    value: str


class Group(NamedTuple):
    """A group of parameters."""

    heading: str
    parameters: list[Parameter]

    @property
    def anchor(self) -> str:
        """The heading as the id of an element in a page."""
        return "-".join(re.findall(r"\w+", self.heading.lower()))


def groups(order: Order) -> list[Group]:
    """Return every parameter of the contract in the order of the models, by group, with an order's values."""
    found: list[Group] = []
    for parameter in parameters(order):
        if parameter.form in _HEADINGS:
            found.append(Group(_HEADINGS[parameter.form], []))
        found[-1].parameters.append(parameter)
    return found


def parameters(order: Order) -> Iterator[Parameter]:
    """Yield every parameter of the contract in the order of the models, with an order's value."""
    sent = dict(form_fields(order))
    for (part, field), kind in KINDS.items():
        info = PARTS[part].model_fields[field]
        place = Place(part, 0, field)
        yield Parameter(
            form_name(place).replace("item_1_", "item_N_", 1),
            json_path(place).replace("items[0]", "items[N-1]", 1),
            kind.name,
            kind.parks,
            bool(isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("x-always-sent")),
            info.description or "",
            sent.get(form_name(place), ""),
        )
    name, value = next(field for field in sent.items() if field[0].startswith("custom_"))
    description = Order.model_fields["custom"].description or ""
    yield Parameter("custom_…", "custom.…", "text", False, False, description, f"{name}: {value}")


def types() -> dict[str, str]:
    """Return how the values of each type are written."""
    return {kind.name: kind.written for kind in KINDS.values() if kind.written}


def form_pairs(order: Order) -> list[str]:
    """Return the form body of an order piece by piece; joined, the pieces are the body."""
    return re.findall("&?[^&]+", encode_form(order).decode())


def json_text(order: Order) -> str:
    """Return the JSON body of an order, set out for reading."""
    return json.dumps(as_json(order), ensure_ascii=False, indent=2)
