"""Bytes to fields: a body is read as what it is, and not as what its Content-Type says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from werkzeug.http import parse_options_header

from receiver.errors import TooLarge, Undecodable
from receiver.orders.body_kinds import json_text, kind_of, with_documents_opened
from receiver.orders.charsets import (
    OTHER_BYTES,
    codec,
    fallback_text,
    text_of,
    unquoted,
    with_whole_escapes,
    without_script_escapes,
)
from receiver.orders.json_decoding import decode_json
from receiver.orders.multipart import decode_multipart
from receiver.orders.names import LONGEST_CACHED, Fields, Place, place_of
from receiver.orders.xml_decoding import decode_xml

#: A charset that the form itself names, as PayPal does.
_OWN_CHARSET = re.compile(rb"(?:^|&)_?charset_?=([A-Za-z0-9_.:-]{1,40})(?:&|$)")
#: A raw plus before a telephone number. By the rules it's a blank, but no number begins with one.
_TELEPHONE = re.compile(rb"=\+(?=[1-9][0-9 +().-]{5,25}(?:&|$))")
#: How no form begins that was sent by a form.
_MAY_BE_ANOTHER = (b"{", b"[", b"<", b"%", b"\xef", b" ", b"\t", b"\r", b"\n")
_MAY_HOLD_A_DOCUMENT = re.compile(rb"=(?:[{\[<]|%7[bB]|%5[bB]|%3[cC])")
#: How the names begin that a form has for what a path names too.
_PARTS_OF_FORMS = ("customer", "billing", "shipping", "item", "custom")
_ZERO_BEFORE = re.compile(r"(?:\[|item_)0[0-9]")
#: Kinds whose bodies carry their own end, so a cut one can't be decoded.
_CARRY_THEIR_END = frozenset({"json", "multipart"})
_NOT_WHAT_IT_SAYS = "The body is not what its Content-Type says: it was read as {kind}."


class Decoded(NamedTuple):
    """What a body holds."""

    #: In the order they came.
    fields: Fields
    #: What was read leniently, one sentence each, without a value.
    notes: tuple[str, ...] = ()
    #: ``form``, ``multipart``, ``json`` or ``xml``.
    kind: str = "form"

    @property
    def carries_its_end(self) -> bool:
        """Whether the body couldn't have been read like this if its end were missing."""
        return self.kind in _CARRY_THEIR_END


def decode(body: bytes, content_type: str | None, max_fields: int) -> Decoded:
    """Return the fields of a body; NUL becomes U+FFFD, and what can't be kept too.

    A field of a form that holds JSON or XML becomes the fields in it. Raises BrokenOff for a JSON or multipart body
    that ends too early, Undecodable for one that's no form, JSON or XML, TooLarge for more fields than ``max_fields``.
    """
    if not body.strip():
        return Decoded([])
    said, charset, boundary = _said_by(content_type or "")
    is_plain = said == "multipart" or (said == "form" and not body.startswith(_MAY_BE_ANOTHER))
    kind = said if said and is_plain else kind_of(body, said, max_fields)
    if kind == "multipart":
        fields, notes = decode_multipart(body, boundary, charset, max_fields)
    elif kind == "json":
        fields, notes = decode_json(json_text(body, charset), max_fields)
    elif kind == "xml":
        fields, notes = decode_xml(body, max_fields), ()
    else:
        fields, notes = decode_form(body, charset, max_fields)
    if kind != said and said is not None:
        notes = (*notes, _NOT_WHAT_IT_SAYS.format(kind=kind))
    if kind == "multipart" or (kind == "form" and _MAY_HOLD_A_DOCUMENT.search(body)):
        fields = with_documents_opened(fields, max_fields)
    return Decoded(_without_equal_twins(fields), notes, kind)


def _said_by(content_type: str) -> tuple[str | None, str | None, str]:
    """Return what a Content-Type says: the kind, the charset and the boundary."""
    return _cached_type(content_type) if len(content_type) <= LONGEST_CACHED else _read_type(content_type)


def _read_type(content_type: str) -> tuple[str | None, str | None, str]:
    media_type, options = parse_options_header(content_type)
    return _kind_said(media_type.lower()), options.get("charset"), options.get("boundary", "")


_cached_type = lru_cache(maxsize=64)(_read_type)


def _kind_said(media_type: str) -> str | None:
    """Return what a Content-Type says; None where it says nothing of the kind."""
    if media_type == "application/x-www-form-urlencoded":
        return "form"
    if media_type == "multipart/form-data":
        return "multipart"
    subtype = media_type.rpartition("/")[2]
    for kind in ("json", "xml"):
        if subtype == kind or subtype.endswith(f"+{kind}"):
            return kind
    return None


def decode_form(body: bytes, charset: str | None, max_fields: int) -> tuple[Fields, tuple[str, ...]]:
    """Return the fields of an ``application/x-www-form-urlencoded`` body, and what was read leniently.

    ``charset`` is that of the Content-Type; a form may name its own. A value that doesn't fit it is read as
    windows-1252. Raises Undecodable where the charset isn't known and the bytes aren't UTF-8, TooLarge for more
    fields than ``max_fields``.
    """
    if body.count(b"&") >= max_fields:
        raise TooLarge(f"The body has more than {max_fields} fields.")
    known, is_named = _charset(body, charset)
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"=+" in body:
        body = _TELEPHONE.sub(rb"=%2B", body)
    if b"%u" in body:
        body = without_script_escapes(body, known)
    body = with_whole_escapes(body)
    try:
        return _fields(body.replace(b"\0", b"%00").decode(known), known), ()
    except UnicodeDecodeError as error:
        if not is_named:
            raise Undecodable("The body's charset is not known here, and its bytes are not utf-8.") from error
    return _one_by_one(body, known), (OTHER_BYTES.format(charset=known),)


def _charset(body: bytes, of_type: str | None) -> tuple[str, bool]:
    """Return the charset to read by, and whether that is what was named."""
    named = of_type
    if named is None and b"charset" in body and (own := _OWN_CHARSET.search(body)):
        named = own[1].decode()
    known = codec(named) if named else "utf-8"
    return known or "utf-8", known is not None


def _fields(text: str, charset: str) -> Fields:
    fields: Fields = []
    for pair in text.replace("+", " ").split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair:
            fields.append((_unescaped(name, charset), _unescaped(value, charset)))
        elif pair:
            fields.append((name, value))
    return fields


def _unescaped(part: str, charset: str) -> str:
    return text_of(unquoted(part.encode(charset)), charset) if "%" in part else part


def _one_by_one(body: bytes, charset: str) -> Fields:
    """Return the fields, each name and value for itself: one stray byte spoils no other value."""
    fields: Fields = []
    for pair in body.replace(b"+", b" ").split(b"&"):
        name, _, value = pair.partition(b"=")
        if pair:
            fields.append((_text(unquoted(name), charset), _text(unquoted(value), charset)))
    return fields


def _text(raw: bytes, charset: str) -> str:
    try:
        return text_of(raw, charset)
    except UnicodeDecodeError:
        return fallback_text(raw)


def _without_equal_twins(fields: Fields) -> Fields:
    """Return the fields without what repeats a field of the contract with an equal value.

    The two may have one name, or one has the form's and one the path. What differs stays: the parser says so.
    """
    names = [name for name, _ in fields]
    if len(set(names)) == len(names) and not _may_name_one_twice("\n".join(["", *names])):
        return fields
    seen: dict[Place, str] = {}
    kept: Fields = []
    for name, value in fields:
        place = place_of(name)
        if place is not None and place.part != "custom":
            if seen.get(place) == value.strip():
                continue
            seen.setdefault(place, value.strip())
        kept.append((name, value))
    return kept


def _may_name_one_twice(names: str) -> bool:
    """Return whether two of these lines may name one field: a path and a form's name, or numbers with zeros before."""
    if "." not in names and "item_0" not in names:
        return False
    return _ZERO_BEFORE.search(names) is not None or any(f"\n{part}_" in names for part in _PARTS_OF_FORMS)
