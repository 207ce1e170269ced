"""The multipart encoding of an order POST: bytes to fields."""

from __future__ import annotations

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.charsets import OTHER_BYTES, codec, fallback_text, text_of
from receiver.orders.names import Fields

# RFC 2046 section 5.1.1.
_LONGEST_BOUNDARY = 70


def decode_multipart(
    body: bytes, boundary: str, charset: str | None, max_fields: int
) -> tuple[Fields, tuple[str, ...]]:
    """Return the fields of a ``multipart/form-data`` body, and what was read leniently.

    A file that's a text is a field. Raises BrokenOff for a body that ends too early, Undecodable for a bad boundary
    and for a file that's no text, TooLarge for more parts than ``max_fields``.
    """
    if not boundary and body.startswith(b"--"):
        boundary = body[2 : _LONGEST_BOUNDARY + 2].partition(b"\r\n")[0].decode("latin-1")
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise Undecodable("The Content-Type names no usable boundary.")
    decoder = MultipartDecoder(boundary.encode(), max_parts=max_fields)
    decoder.receive_data(body)
    decoder.receive_data(None)
    known = (codec(charset) if charset else None) or "utf-8"
    fields: Fields = []
    notes: set[str] = set()
    name, value, is_file = "", b"", False
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, File | Field):
                # Werkzeug's annotation leaves out that a part may have no name.
                name, value, is_file = event.name or "", b"", isinstance(event, File)
            elif isinstance(event, Data):
                value += event.data
                if not event.more_data:
                    fields.append((name.replace("\0", "\ufffd"), _text(value, known, is_file, notes)))
    except RequestEntityTooLarge as error:
        raise TooLarge(f"The body has more than {max_fields} fields.") from error
    except ValueError as error:
        if f"--{boundary}--".encode() not in body:
            raise BrokenOff("The multipart body broke off before its end; send it again.") from error
        raise Undecodable("The body is not a well-formed multipart message.") from error
    return fields, tuple(sorted(notes))


def _text(value: bytes, charset: str, is_file: bool, notes: set[str]) -> str:
    try:
        return text_of(value, charset)
    except UnicodeDecodeError as error:
        if is_file:
            raise Undecodable("A part of the body is a file that is no text; an order is sent as fields.") from error
        notes.add(OTHER_BYTES.format(charset=charset))
        return fallback_text(value)
