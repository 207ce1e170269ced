"""Read an order saved in a file. JSON, XML, multipart or form: its first bytes show which."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from pathlib import Path

from receiver.errors import ConfigurationError
from receiver.orders import Fields, NotUnderstood, Order, decode, guard, read

#: The boundary of a multipart body (RFC 2046, 5.1.1) and the header that its first part begins with.
_FIRST_PART = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,70})\r?\nContent-", re.IGNORECASE)


def decode_file(path: Path, max_fields: int) -> Fields:
    """Return the fields of a body saved in a file; raises ReceiverError when it can't be decoded."""
    body = path.read_bytes().strip()
    return decode(body, content_type_of(body), max_fields).fields


def content_type_of(body: bytes) -> str:
    """Return the Content-Type that a body looks like: its first bytes show it."""
    if body.removeprefix(codecs.BOM_UTF8)[:1] in (b"{", b"[", b'"'):
        return "application/json"
    if body.removeprefix(codecs.BOM_UTF8)[:1] == b"<":
        return "application/xml"
    if part := _FIRST_PART.match(body):
        return f'multipart/form-data; boundary="{part[1].decode()}"'
    return "application/x-www-form-urlencoded"


def read_order(path: Path, max_fields: int) -> Order:
    """Return an order read by the contract's own names; raises ConfigurationError with all that's wrong at once.

    Raises ReceiverError for what can't be decoded, or holds card data.
    """
    reading = read(guard(decode_file(path, max_fields)).masked, None, datetime.now(UTC))
    if isinstance(reading, NotUnderstood):
        reasons = "; ".join(f"{error.field} {error.message}" for error in reading.errors)
        raise ConfigurationError(f"{path} holds no order: {reasons}.")
    return reading.order
