"""An order saved in a file, JSON or form by its look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from receiver.errors import ConfigurationError
from receiver.orders import Fields, NotUnderstood, Order, decode, guard, read


def decode_file(path: Path, max_fields: int) -> Fields:
    """Read the fields of a body saved in a file; raises ReceiverError when it cannot be decoded."""
    body = path.read_bytes().strip()
    content_type = "application/json" if body[:1] == b"{" else "application/x-www-form-urlencoded"
    return decode(body, content_type, max_fields)


def read_order(path: Path, max_fields: int) -> Order:
    """Read an order by the contract's own names; raises ConfigurationError with all that is wrong with it at once.

    Raises ReceiverError for what cannot be decoded, or holds card data.
    """
    reading = read(guard(decode_file(path, max_fields)).masked, None, datetime.now(UTC))
    if isinstance(reading, NotUnderstood):
        reasons = "; ".join(f"{error.field} {error.message}" for error in reading.errors)
        raise ConfigurationError(f"{path} holds no order: {reasons}.")
    return reading.order
