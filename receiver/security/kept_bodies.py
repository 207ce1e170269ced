"""The bytes of a body that couldn't be read, encrypted under SECRET_KEY as stored secrets are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from werkzeug.http import parse_options_header

from receiver.orders.rough_text import shown_text
from receiver.security import encryption


class KeptBody(NamedTuple):
    """A body's bytes, and what's needed to read them again."""

    raw: bytes
    content_type: str
    #: Empty when the bytes aren't compressed, or not any more.
    content_encoding: str = ""
    #: Whether a form in it may have been cut short.
    may_be_cut: bool = False
    #: Headers that count as fields, by their names in small letters.
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def charset(self) -> str | None:
        """The charset that the Content-Type names."""
        return parse_options_header(self.content_type)[1].get("charset")

    @property
    def text(self) -> str:
        """The body for a person to read, in the likeliest charset."""
        return shown_text(self.raw, self.charset)


def sealed(secret_key: str, body: KeptBody) -> str:
    """Return a body as it's stored; raises ConfigurationError while there is no SECRET_KEY."""
    head = json.dumps([body.content_type, body.content_encoding, body.may_be_cut, dict(body.headers)])
    return encryption.encrypted_bytes(secret_key, head.encode() + b"\n" + body.raw)


def opened(secret_key: str, stored: str) -> KeptBody | None:
    """Return a stored body; None for one that was encrypted under another SECRET_KEY."""
    plain = encryption.decrypted_bytes(secret_key, stored)
    if plain is None:
        return None
    head, _, raw = plain.partition(b"\n")
    return KeptBody(raw, *json.loads(head))
