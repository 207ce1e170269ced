"""Which kind of text a body is, whatever its Content-Type says, and the documents that hide in a form's fields."""

from __future__ import annotations

import json
import re

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders.charsets import codec, fallback_text, unquoted, with_whole_escapes
from receiver.orders.json_decoding import MOST_LEVELS, decode_json, has_signs
from receiver.orders.names import Fields, place_of
from receiver.orders.xml_decoding import decode_xml

#: A form's first name. It holds no blank and no sign that begins a text of another kind.
STARTS_A_FORM = re.compile(rb"[^\s<>{}\"&=]{1,1000}=")
#: How a document in a field begins.
_BEGIN = frozenset("{[<")
#: So many are opened, whatever the limit of values is.
_FEWEST_DOCUMENTS = 100
#: Of the signs that part values in all documents together, so many for each value.
_MOST_SIGNS = 4


def kind_of(body: bytes, said: str | None, max_fields: int) -> str:
    """Return what a body is, by its first characters. Raises Undecodable if it's no form, JSON or XML."""
    start = body[:1100].removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start[:1]
    if first == b"<":
        return "xml"
    if first in (b"{", b"[") or (first == b'"' and said != "form"):
        # A form's name may begin with a bracket; then the body is no JSON.
        return "form" if said == "form" and not _holds_json(body, max_fields) else "json"
    if said == "form" and start[:3].lower() in (b"%7b", b"%5b") and _holds_json(body, max_fields):
        return "json"
    if said in ("json", "xml") and not STARTS_A_FORM.match(start):
        return said
    if said == "form" or STARTS_A_FORM.match(start):
        return "form"
    raise Undecodable("The body is no form, no JSON and no XML; send the order as one of these.")


def _holds_json(body: bytes, max_fields: int) -> bool:
    """Return whether it's JSON, or too large to be looked into."""
    text = json_text(body, None)
    if has_signs(text, ",[{", 2 * max_fields + MOST_LEVELS):
        return True
    try:
        json.loads(text, strict=False)
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
        escaped = text.replace("+", " ").encode("utf-8", "surrogatepass")
        text = unquoted(with_whole_escapes(escaped)).decode("utf-8", "replace")
    # jQuery sends a text as a form of one name without a value.
    return text.removesuffix("=") if text.rstrip().endswith(("}=", "]=")) else text


def with_documents_opened(fields: Fields, max_fields: int) -> Fields:
    """Return the fields; one that holds JSON or XML is replaced by the fields in it, one level deep.

    Raises TooLarge where that makes more than ``max_fields``, and for more documents than a fourth of that.
    """
    documents = {place for place, (name, value) in enumerate(fields) if value[:1] in _BEGIN and place_of(name) is None}
    if not documents:
        return fields
    most = max(_FEWEST_DOCUMENTS, max_fields // 4)
    if len(documents) > most:
        raise TooLarge(f"The body has more than {most} fields that hold JSON or XML.")
    if has_signs("\n".join([fields[place][1] for place in documents]), ",[{<", _MOST_SIGNS * max_fields):
        raise _too_many(max_fields)
    opened: Fields = []
    for place, (name, value) in enumerate(fields):
        left = max_fields - len(opened)
        if left < 1:
            raise _too_many(max_fields)
        try:
            opened += (_opened(name, value, left) if place in documents else []) or [(name, value)]
        except TooLarge as error:
            raise _too_many(max_fields) from error
    return opened


def _opened(name: str, value: str, max_fields: int) -> Fields:
    """Return the fields in a value that may be a document; none where it's a plain text."""
    try:
        if value[:1] == "<":
            return decode_xml(value, max_fields, path=name)
        return decode_json(value, max_fields, path=name)[0]
    except (Undecodable, BrokenOff):
        return []


def _too_many(max_fields: int) -> TooLarge:
    return TooLarge(f"The body has more than {max_fields} values.")
