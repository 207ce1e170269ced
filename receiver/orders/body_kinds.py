"""Which kind of text a body is, whatever its Content-Type says, and the documents that hide in a form's fields."""

from __future__ import annotations

import json
import re

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.charsets import codec, fallback_text, unquoted
from receiver.orders.json_decoding import decode_json
from receiver.orders.names import Fields, place_of
from receiver.orders.xml_decoding import decode_xml

#: A form's first name. It holds no blank and no sign that begins a text of another kind.
STARTS_A_FORM = re.compile(rb"[^\s<>{}\"&=]{1,1000}=")


def kind_of(body: bytes, said: str | None) -> str:
    """Return what a body is, by its first characters. Raises Undecodable if it's no form, JSON or XML."""
    start = body[:1100].removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start[:1]
    if first == b"<":
        return "xml"
    if first in (b"{", b"[") or (first == b'"' and said != "form"):
        # A form's name may begin with a bracket; then the body is no JSON.
        return "form" if said == "form" and not _holds_json(body) else "json"
    if said == "form" and start[:3].lower() in (b"%7b", b"%5b") and _holds_json(body):
        return "json"
    if said in ("json", "xml") and not STARTS_A_FORM.match(start):
        return said
    if said == "form" or STARTS_A_FORM.match(start):
        return "form"
    raise Undecodable("The body is no form, no JSON and no XML; send the order as one of these.")


def _holds_json(body: bytes) -> bool:
    try:
        json.loads(json_text(body, None), strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def json_text(body: bytes, charset: str | None) -> str:
    """Return the text of a JSON body, also of one that was sent as if it were a form."""
    known = json.detect_encoding(body) if not charset else codec(charset) or json.detect_encoding(body)
    try:
        text = body.decode("utf-8-sig" if known.startswith("utf-8") or known == "utf_8" else known)
    except UnicodeDecodeError:
        text = fallback_text(body)
    if text[:1] == "%":
        text = unquoted(text.replace("+", " ").encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    # jQuery sends a text as a form of one name without a value.
    return text.removesuffix("=") if text.rstrip().endswith(("}=", "]=")) else text


def with_documents_opened(fields: Fields, max_fields: int) -> Fields:
    """Return the fields; one that holds JSON or XML is replaced by the fields in it, one level deep.

    Raises TooLarge where that makes more than ``max_fields``.
    """
    opened: Fields = []
    for name, value in fields:
        opened += _opened(name, value, max_fields) or [(name, value)]
    if len(opened) > max_fields:
        raise TooLarge(f"The body has more than {max_fields} values.")
    return opened


def _opened(name: str, value: str, max_fields: int) -> Fields:
    """Return the fields in a value that's a document; none where it's a plain text or a field of the contract."""
    if place_of(name) is not None:
        return []
    try:
        if value[:1] in ("{", "["):
            return decode_json(value, max_fields, path=name)[0]
        return decode_xml(value, max_fields, path=name) if value[:1] == "<" else []
    except (Undecodable, BrokenOff):
        return []
