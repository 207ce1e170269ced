"""The multipart encoding of an order POST: bytes to fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from werkzeug.http import parse_options_header

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.charsets import OTHER_BYTES, codec, fallback_text, text_of
from receiver.orders.names import Fields

# RFC 2046 section 5.1.1.
_LONGEST_BOUNDARY = 70
#: Bytes of the heads that aren't plain, of all parts together.
_LONGEST_HEADS = 131_072
# Lines end with \r\n (RFC 7578); some senders write one of the two alone.
_BREAK, _BLANKS = rb"(?:\r\n|\n|\r)", rb"[^\S\n\r]*"
_BLANK_LINE = re.compile(rb"\r\n\r\n|\r\r|\n\n")
_CONTINUED = re.compile(_BREAK + rb"[ \t]")
_OTHER_LINES = rb"(?:Content-(?:Type|Transfer-Encoding|Length): ?[!-~ ]*\r\n)*+"
_PLAIN_HEAD = re.compile(
    rb"%sContent-Disposition: ?form-data; ?name=\"([^\"\\%%\r\n]*)\"(?:\r\n%s)?(?:Content-[TL][!-~ ]*)?"
    % (_OTHER_LINES, _OTHER_LINES),
    re.IGNORECASE,
)


class _Part(NamedTuple):
    name: str
    is_file: bool
    value: bytes


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
    known = (codec(charset) if charset else None) or "utf-8"
    fields: Fields = []
    notes: set[str] = set()
    try:
        for name, is_file, value in _parts(body, boundary.encode()):
            if len(fields) == max_fields:
                raise TooLarge(f"The body has more than {max_fields} fields.")
            fields.append((name.replace("\0", "\ufffd"), _text(value, known, is_file, notes)))
    except ValueError as error:
        if f"--{boundary}--".encode() not in body:
            raise BrokenOff("The multipart body broke off before its end; send it again.") from error
        raise Undecodable("The body is not a well-formed multipart message.") from error
    return fields, tuple(sorted(notes))


def _parts(body: bytes, boundary: bytes) -> Iterator[_Part]:
    """Yield the parts; raises ValueError where the body isn't well-formed."""
    delimiter = rb"--%s(--%s%s?|%s%s)" % (re.escape(boundary), _BLANKS, _BREAK, _BLANKS, _BREAK)
    first, next_one = re.compile(delimiter), re.compile(_BREAK + delimiter)
    heads = 0
    found = first.search(body)
    while found is not None and not found[1].startswith(b"--"):
        blank_line = _BLANK_LINE.search(body, found.end())
        if blank_line is None:
            break
        head = body[found.end() : blank_line.start()]
        plain = _PLAIN_HEAD.fullmatch(head)
        if plain is None:
            heads += len(head)
            if heads > _LONGEST_HEADS:
                raise Undecodable("The heads of the body's parts are too long; send the order's fields alone.")
        name, is_file = (plain[1].decode(), False) if plain else _named_by(head)
        # The line's end before the blank one may belong to a delimiter, if the part is empty.
        line_end = (blank_line.start() + blank_line.end()) // 2
        begin = line_end + (2 if body.startswith(b"\r\n", line_end) else 1)
        found = next_one.search(body, line_end)
        if found is not None:
            yield _Part(name, is_file, body[begin : found.start()])
    if found is None or not found[1].startswith(b"--"):
        raise ValueError("a part or its head has no end")


def _named_by(head: bytes) -> tuple[str, bool]:
    """Return the name that a part's head gives it, and whether it's a file; raises ValueError without one."""
    for line in _CONTINUED.sub(b" ", head).splitlines():
        header, _, value = line.decode().partition(":")
        if header.strip(" \t").lower() == "content-disposition":
            _, options = parse_options_header(value.strip(" \t"))
            return options.get("name", ""), "filename" in options
    raise ValueError("a part has no Content-Disposition")


def _text(value: bytes, charset: str, is_file: bool, notes: set[str]) -> str:
    try:
        return text_of(value, charset)
    except UnicodeDecodeError as error:
        if is_file:
            raise Undecodable("A part of the body is a file that is no text; an order is sent as fields.") from error
        notes.add(OTHER_BYTES.format(charset=charset))
        return fallback_text(value)
