"""The console's menu: its groups and pages, in order."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One page in the menu."""

    label: str
    endpoint: str


class Group(NamedTuple):
    """One heading in the menu, with its pages."""

    label: str
    entries: tuple[Entry, ...]


#: A group shows its pages when it is opened; an entry alone is a page itself.
MENU: tuple[Entry | Group, ...] = (
    Entry("Overview", "console.overview"),
    Group("Customer", (Entry("Order Manager", "console.order_manager"), Entry("Customers", "console.customers"))),
    Group(
        "Received",
        (
            Entry("Orders", "console.orders"),
            Entry("Parked", "console.parked"),
            Entry("Refused", "console.refused"),
        ),
    ),
    Entry("Emails", "console.mail"),
    Entry("Handlers", "console.handlers"),
    Entry("Settings", "console.settings"),
    Group(
        "Help",
        (
            Entry("Order Guide", "console.order_guide"),
            Entry("Set-up", "console.set_up"),
            Entry("All pages", "console.help"),
        ),
    ),
)
