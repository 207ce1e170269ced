"""Customers as registrars are given them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from receiver.customers.registrars import Value, customer_fields

REGISTERED = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def customer(**changes: Any) -> dict[str, Value]:
    """Return all fields of a customer with these changes; two underscores mean a full stop."""
    known: dict[str, Any] = dict.fromkeys(customer_fields.NAMES)
    del known["unusable_password"]
    known |= {
        "email": "zoe@kunde.de",
        "first_name": "Zoë",
        "last_name": "Müller",
        "name": "Zoë Müller",
        "phone": "+49 30 5550142",
        "accepts_marketing": True,
        "registered_at": REGISTERED,
        "billing.city": "Berlin",
    }
    return known | {name.replace("__", "."): value for name, value in changes.items()}
