"""An order as emails show it, so that nobody can send a message of their own through a checkout's fields."""

from __future__ import annotations

from typing import Any

from receiver.mail.text_layout import cut
from receiver.orders.model import Address, Customer, Order

#: In characters, of a name or a line of an address.
LONGEST_NAME = 100
_NAMES = {
    Customer: ("first_name", "last_name", "company", "phone"),
    Address: ("name", "company", "line1", "line2", "city", "region", "postcode"),
}


def quoted(order: Order) -> Order:
    """Return the order with names and addresses cut to 100 letters, and with no link in them.

    A shop's form takes any name and any email address, and the shop's own email would carry it there.
    """
    parts = {"customer": order.customer, "billing": order.billing, "shipping": order.shipping}
    return order.model_copy(update={name: _part(part) for name, part in parts.items() if part is not None})


def unlinked(text: str | None) -> str | None:
    """Return a text in which email programs find no address to turn into a link."""
    return text and text.replace("://", ": //")


def _part(part: Customer | Address) -> Any:
    given = {name: text for name in _NAMES[type(part)] if (text := getattr(part, name))}
    return part.model_copy(update={name: cut(unlinked(text) or "", LONGEST_NAME) for name, text in given.items()})
