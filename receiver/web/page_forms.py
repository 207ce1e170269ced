"""The limits of the pages' forms: bytes and fields, counted before a form is parsed."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

#: Of every form under /admin and /account that isn't named below.
MOST_BYTES, MOST_FIELDS = 64 * 1024, 200
#: Endpoint of a long form -> its limits. Map parameters sends seven inputs per field, the shop's own fields included.
_LONG = {"console.parked_map": (1024 * 1024, 10_000)}


def init_app(app: Flask) -> None:
    """Limit the forms of the app's pages; /orders reads the raw body, within MAX_BODY_BYTES and MAX_FIELDS."""
    app.request_class = _LimitedRequest


def limits(endpoint: str | None) -> tuple[int, int]:
    """Return the most bytes and the most fields that a form for this endpoint may have."""
    return _LONG.get(endpoint or "", (MOST_BYTES, MOST_FIELDS))


def too_large(endpoint: str | None) -> str:
    """Return the message for a form that is too large."""
    most_bytes, most_fields = limits(endpoint)
    return f"Forms are limited to {most_bytes // 1024} KiB and {most_fields} fields. Nothing was changed."


class _CountedForms(FormDataParser):
    """A form parser that counts urlencoded fields before parsing; Werkzeug counts multipart ones itself."""

    def parse(self, stream: IO[bytes], mimetype: str, *args: Any, **kwargs: Any) -> Any:
        """Parse a form; raises RequestEntityTooLarge."""
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = BytesIO(body)
        return super().parse(stream, mimetype, *args, **kwargs)


class _LimitedRequest(Request):
    """A request with form limits, which apply wherever its form, values or stream are first read."""

    form_data_parser_class = _CountedForms
    max_content_length: Any = property(lambda self: limits(self.endpoint)[0])
    max_form_memory_size: Any = max_content_length
    max_form_parts: Any = property(lambda self: limits(self.endpoint)[1])
