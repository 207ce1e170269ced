"""The multipart encoding of an order POST: bytes to fields. Files are refused."""

from __future__ import annotations

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from receiver.errors import TooLarge, Undecodable
from receiver.orders.names import Fields

# RFC 2046 section 5.1.1.
_LONGEST_BOUNDARY = 70


def decode_multipart(body: bytes, boundary: str, charset: str, max_fields: int) -> Fields:
    """Return the fields of a ``multipart/form-data`` body.

    Raises Undecodable for a bad boundary, a body cut short, a file, a nameless part or bytes that the charset
    does not have, TooLarge for more parts than ``max_fields``.
    """
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise Undecodable("The Content-Type names no usable boundary.")
    decoder = MultipartDecoder(boundary.encode(), max_parts=max_fields)
    decoder.receive_data(body)
    decoder.receive_data(None)
    fields: Fields = []
    name, value = "", b""
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, File):
                raise Undecodable("A part of the body is a file; an order is sent as fields only.")
            if isinstance(event, Field):
                name, value = _name(event), b""
            elif isinstance(event, Data):
                value += event.data
                if not event.more_data:
                    fields.append((name, _decoded(value, charset)))
    except RequestEntityTooLarge as error:
        raise TooLarge(f"The body has more than {max_fields} fields.") from error
    except ValueError as error:
        raise Undecodable("The body is not a whole multipart message.") from error
    return fields


def _name(part: Field) -> str:
    # Werkzeug's annotation leaves out that a part may have no name.
    name: str | None = part.name
    if name is None:
        raise Undecodable("A part of the body has no name.")
    return name.replace("\0", "\ufffd")


def _decoded(value: bytes, charset: str) -> str:
    try:
        return value.decode(charset).replace("\0", "\ufffd")
    except UnicodeDecodeError as error:
        raise Undecodable(f"The body holds bytes that are not {charset}.") from error
