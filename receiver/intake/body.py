"""The body of one POST: its raw bytes, read once and never cut, and the fields they hold."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from receiver.errors import BrokenOff, ReceiverError, TooLarge, UnsupportedEncoding
from receiver.orders import Fields, decode

#: Of a body that is too large, or that nobody reads, so much is read and thrown away: many a sender hears no answer
#: before it has sent all.
MOST_DRAINED = 1_048_576
#: How servers that raise an error for a chunked body without its last chunk name themselves.
_SAY_WHAT_BREAKS_OFF = ("gunicorn/", "Werkzeug/")


class Stream(Protocol):
    """What a server hands over to read a body from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""


class RawBody(NamedTuple):
    """A body that was not read yet."""

    stream: Stream
    #: By Content-Length; None for a chunked body.
    length: int | None
    #: Whether the server says so when a body breaks off; else only the body itself can tell.
    end_is_known: bool

    @classmethod
    def of(cls, environ: Mapping[str, Any], length: int | None) -> RawBody:
        """Return the body of a WSGI request."""
        if length is None and not {"wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"} & environ.keys():
            length = 0  # RFC 9112, 6.3: without either there is none, and a read would wait for the sender to leave
        return cls(environ["wsgi.input"], length, length is not None or _says_what_breaks_off(environ))

    def read(self, limit: int) -> bytes:
        """Return the bytes as they came; raises TooLarge, and BrokenOff rather than returning a part."""
        if self.length is not None and self.length > limit + MOST_DRAINED:
            raise _too_large(limit)
        wanted = limit + 1 if self.length is None else min(self.length, limit + 1)
        try:
            body = self._read(wanted)
        except Exception as error:  # each server has errors of its own for a broken or abandoned body
            raise _broken_off() from error
        if len(body) > limit:
            with suppress(Exception):
                self._read(MOST_DRAINED if self.length is None else self.length - len(body))
            raise _too_large(limit)
        if self.length is not None and len(body) < self.length:
            raise _broken_off()
        return body

    def _read(self, wanted: int) -> bytes:
        body = self.stream.read(wanted)
        while len(body) < wanted and (part := self.stream.read(wanted - len(body))):
            body += part
        return body


class Body:
    """A body that was read; it is decoded once, and not before it must be."""

    def __init__(self, raw: bytes, headers: Mapping[str, str], max_fields: int) -> None:
        self.raw = raw
        self._headers = headers
        self._max_fields = max_fields
        self._fields: Fields | None = None

    def fields(self) -> Fields:
        """Return its fields; raises what decoding raises."""
        if self._fields is None:
            if self._headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
                raise UnsupportedEncoding(
                    "Send the body as it is, not compressed: without the header Content-Encoding."
                )
            self._fields = decode(self.raw, self._headers.get("content-type"), self._max_fields)
        return self._fields

    def values(self) -> list[str]:
        """Return the fields' values; raises what decoding raises."""
        return [value for _, value in self.fields()]

    def fields_if_any(self) -> Fields:
        """Return its fields, none when it cannot be decoded."""
        try:
            return self.fields()
        except ReceiverError:
            return []


def _says_what_breaks_off(environ: Mapping[str, Any]) -> bool:
    """Return whether a chunked body that breaks off is noticed.

    granian ends a chunked body, or one of HTTP/2, at whatever came. We expect the same of a server we don't know.
    """
    speaks_http1 = environ.get("SERVER_PROTOCOL") in {"HTTP/1.0", "HTTP/1.1"}
    return speaks_http1 and environ.get("SERVER_SOFTWARE", "").startswith(_SAY_WHAT_BREAKS_OFF)


def _broken_off() -> BrokenOff:
    return BrokenOff("The body broke off before its end; send it again.")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body has more than {limit} bytes; an order is far smaller. MAX_BODY_BYTES raises the limit.")
