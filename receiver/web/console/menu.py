"""The console's menu: its groups and pages, in order."""

from __future__ import annotations

from flask import request

#: Label of each group -> its pages, by label. A group with one page is shown as a link to that page.
MENU = {
    "Overview": {"Overview": "console.overview"},
    "Orders": {"Orders": "console.orders"},
    "Customer": {"Order Manager": "console.order_manager", "Customers": "console.customers"},
    "Received": {"Parked": "console.parked", "Refused": "console.refused"},
    "Emails": {"Emails": "console.mail"},
    "Handlers": {"Handlers": "console.handlers"},
    "Settings": {"Settings": "console.settings", "Sources": "console.sources"},
    "Help": {"Order Guide": "console.order_guide", "Set-up": "console.set_up", "All pages": "console.help"},
}


def is_current(endpoint: str) -> bool:
    """Return whether the page shown is this page of the menu, or one below it."""
    here = request.endpoint or ""
    return here == endpoint or here.startswith(f"{endpoint}_")
