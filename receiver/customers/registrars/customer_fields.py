"""The fields of a customer that a registrar is given."""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.customers.registrars import Fields, Value
from receiver.orders.idempotency import digest
from receiver.storage.models import AddressRow, CustomerRow

_PERSON = ("email", "first_name", "last_name", "company", "phone", "locale", "accepts_marketing", "registered_at")
_ADDRESS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country")
#: The field for a new random text each time: no password's hash, and a password that nobody knows.
UNUSABLE_PASSWORD = "unusable_password"  # noqa: S105 - a field's name, no secret
#: All fields.
NAMES = (
    *_PERSON,
    "name",
    *(f"{kind}.{part}" for kind in ("billing", "shipping") for part in _ADDRESS),
    UNUSABLE_PASSWORD,
)


def read(session: Session, customer: CustomerRow) -> dict[str, Value]:
    """Return all fields of a customer but the password; of each kind of address the one used last."""
    fields: dict[str, Value] = dict.fromkeys(name for name in NAMES if name != UNUSABLE_PASSWORD)
    fields |= {name: getattr(customer, name) or None for name in _PERSON}
    fields["accepts_marketing"] = customer.accepts_marketing
    mine = select(AddressRow).where(AddressRow.customer_pk == customer.id)
    for address in session.scalars(mine.order_by(AddressRow.used_at, AddressRow.id)):
        fields |= {f"{address.kind}.{part}": getattr(address, part) or None for part in _ADDRESS}
    parts = filter(None, (customer.first_name, customer.last_name))
    fields["name"] = " ".join(parts) or fields["billing.name"]
    return fields


def fields_digest(fields: Fields) -> str:
    """Return a digest that shows whether a website has exactly these data."""
    return digest(json.dumps(fields, sort_keys=True, default=datetime.isoformat))


def unusable_password() -> str:
    """Return a new one: an exclamation mark, which begins no hash, and 40 random letters, digits, - and _."""
    return "!" + secrets.token_urlsafe(30)
