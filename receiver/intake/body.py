"""The body of one POST: its raw bytes, read once and never cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from werkzeug.wsgi import get_content_length

from receiver.errors import BrokenOff, TooLarge

#: Of a body that's too large, or that nobody reads, so many bytes are read and thrown away: many senders hear no
#: answer before they have sent everything.
MOST_DRAINED = 1_048_576
#: The entry of a request's WSGI environment that says that its sender may have stalled, so that it was ended.
MAY_HAVE_STALLED = "receiver.may_have_stalled"
#: How servers that raise an error for a chunked body without its last chunk name themselves.
_NOTICE_BREAKS = ("gunicorn/", "Werkzeug/")


class Body(NamedTuple):
    """A body that was read."""

    raw: bytes = b""
    #: Whether the server would have noticed if it had broken off; otherwise only the body itself can show it.
    end_is_known: bool = False
    #: Whether this may be the part that came before its sender stalled; only the body itself can show that it's not.
    may_have_stalled: bool = False


class RawBody(NamedTuple):
    """A body that wasn't read yet, in the WSGI environment of its request."""

    environ: dict[str, Any]

    def read(self, limit: int) -> Body:
        """Return the bytes as they came; raises TooLarge, and BrokenOff instead of returning a part."""
        length = get_content_length(self.environ)  # None for a chunked body
        if length is None and not {"wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"} & self.environ.keys():
            length = 0  # RFC 9112, 6.3: without either there is no body, and a read would wait until the sender leaves
        if length is not None and length > limit + MOST_DRAINED:
            raise _too_large(limit)
        read = self.environ["wsgi.input"].read
        try:
            body = _read(read, limit + 1 if length is None else min(length, limit + 1))
        except Exception as error:  # each server has errors of its own for a broken or abandoned body
            raise _broken_off() from error
        if len(body) > limit:
            with suppress(Exception):
                _read(read, MOST_DRAINED if length is None else length - len(body))
            raise _too_large(limit)
        if length is not None and len(body) < length:
            raise _broken_off()
        end_is_known = length is not None or _notices_breaks(self.environ)
        return Body(body, end_is_known, not end_is_known and MAY_HAVE_STALLED in self.environ)


def _read(read: Callable[[int], bytes], wanted: int) -> bytes:
    """Read this many bytes, or up to the body's end; one read may return fewer."""
    body = read(wanted)
    while len(body) < wanted and (part := read(wanted - len(body))):
        body += part
    return body


def _notices_breaks(environ: Mapping[str, Any]) -> bool:
    """Return whether the server notices when a chunked body breaks off.

    granian ends a chunked body, or one of HTTP/2, wherever it broke off. We expect the same of servers we don't know.
    """
    speaks_http1 = environ.get("SERVER_PROTOCOL") in {"HTTP/1.0", "HTTP/1.1"}
    return speaks_http1 and environ.get("SERVER_SOFTWARE", "").startswith(_NOTICE_BREAKS)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body has more than {limit} bytes; an order is far smaller. MAX_BODY_BYTES raises the limit.")


def _broken_off() -> BrokenOff:
    return BrokenOff("The body broke off before its end; send it again.")
