"""The bodies that cost most before anyone is verified: one for each way to be read, each of nearly 2 MiB."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

#: The most values and bytes that are read of a body that nobody has verified.
VALUES, BYTES = 20_000, 2_097_152
JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "application/xml"
_MULTIPART = "multipart/form-data; boundary=b"
_ASTRAL = "\U0001d54f"


class Hostile(NamedTuple):
    """A body and the headers that it comes with."""

    body: bytes
    headers: dict[str, str]


def hostile_bodies() -> dict[str, Hostile]:
    """Return every body by its name, and each once more compressed where it's small then."""
    plain = {name: Hostile(body, {"Content-Type": content_type}) for name, body, content_type in _plain()}
    compressed = {
        f"gzip of {name}": Hostile(gzip.compress(one.body), {**one.headers, "Content-Encoding": "gzip"})
        for name, one in plain.items()
    }
    bomb = Hostile(gzip.compress(b"[" + b"1," * 52_000_000), {"Content-Type": JSON, "Content-Encoding": "gzip"})
    return {**plain, **compressed, "gzip bomb of 100 MiB": bomb}


def _plain() -> Iterator[tuple[str, bytes, str]]:
    for kind in (_json, _form, _documents, _multipart, _xml, _undecodable):
        for name, body, content_type in kind():
            assert len(body) <= BYTES, name
            yield name, body, content_type


def _json() -> Iterator[tuple[str, bytes, str]]:
    values = VALUES - 2
    padding = "x" * (BYTES // VALUES - 25)
    rows = [{"title": padding, "rate": padding} for _ in range(values // 2)]
    yield "JSON of 20,000 values", json.dumps({"items": rows}).encode()[:BYTES], JSON
    yield "JSON of 700,000 empty lists", b"[" + b"[]," * 690_000 + b"[]]", JSON
    yield "JSON of a million numbers", b"[" + b"1," * 1_000_000 + b"1]", JSON
    yield "JSON of one long text", b'["' + b"a" * 2_000_000 + b'"]', JSON
    yield "JSON of one escaped text", b'["' + b"\\u0141" * 340_000 + b'"]', JSON
    yield "JSON of half surrogates", b'["' + b"\\ud800" * 340_000 + b'"]', JSON
    yield "JSON with a line break", b'["' + b"a\n" * 1_000_000 + b'"]', JSON
    yield "JSON of a text without an end", b"[" + b"," * 50_000 + b'\\"' * 1_000_000, JSON
    yield "JSON in JSON", json.dumps(json.dumps([padding[:80]] * values)).encode(), JSON
    yield "JSON of numbers in JSON", json.dumps(f"[{'1,' * 1_000_000}1]").encode(), JSON
    yield "JSON of lists in JSON", json.dumps(f"[{'[],' * 690_000}1]").encode(), JSON
    yield "JSON under a long name", json.dumps({_ASTRAL * 900: [1] * values}, ensure_ascii=False).encode(), JSON
    yield "JSON under 63 names", b'{"abcdefg":' * 62 + b"[" + b"1," * values + b"1]" + b"}" * 62, JSON
    yield "JSON 63 levels deep", b"[" + b",".join([b"[" * 62 + b"1" + b"]" * 62] * 15_000) + b"]", JSON
    yield "JSON 100,000 levels deep", b"[" * 1_000_000 + b"]" * 1_000_000, JSON
    yield "JSON of our names", json.dumps({"items": [{"name": padding, "tax": "1"}] * (values // 2)}).encode(), JSON
    yield "JSON of our items as pairs", _pairs('"items[%d].name":"%s"', padding[:60], ",", "{}").encode(), JSON
    yield "JSON in UTF-16", json.dumps([padding[:48]] * values).encode("utf-16"), JSON
    yield "JSON in windows-1252", b"[" + b",".join([b'"' + b"\xe4" * 90 + b'"'] * values) + b"]", JSON


def _pairs(form: str, value: str, between: str, around: str = "") -> str:
    return (around[:1]) + between.join(form % (number, value) for number in range(VALUES - 2)) + (around[1:])


def _form() -> Iterator[tuple[str, bytes, str]]:
    values = VALUES - 2
    yield "form of 20,000 values", _pairs("item_%d_title=%s", "x" * 80, "&").encode(), FORM
    yield "form of our names", _pairs("item_%d_name=%s", "x" * 80, "&").encode(), FORM
    yield "form of items from 0", _pairs("item_0%d_name=%s", "x" * 80, "&").encode(), FORM
    yield "form of one name", b"&".join([b"order_id=" + b"x" * 90] * values), FORM
    yield "form of one byte names", b"a&" * 1_000_000, FORM
    yield "form of 20,000 escaped values", _pairs("a%d=%s", "%41%C3%A4" * 9, "&").encode(), FORM
    yield "form of 20,000 short escapes", _pairs("a%%41%d=%s", "%42", "&").encode(), FORM
    yield "form of one escaped field", b"data=" + b"%41" * 690_000, FORM
    yield "form of half escapes", b"data=" + b"%4" * 1_000_000, FORM
    yield "form of percent signs", b"data=" + b"%" * 2_000_000, FORM
    yield "form of bytes in another charset", b"data=" + b"%E4" * 690_000, FORM
    yield "form of raw bytes in another charset", b"&".join([b"a=" + b"\xe4%E4" * 20] * values), FORM
    yield "form in GB 18030", b"data=" + b"%81%30%81%30" * 170_000, f"{FORM}; charset=gb18030"
    yield "form of JavaScript's escapes", b"data=" + b"%u0141" * 340_000, FORM
    yield "form of 20,000 of JavaScript's escapes", b"&".join([b"a=" + b"%u0141." * 14] * values), FORM
    yield "form of surrogates in JavaScript's escapes", b"data=" + b"%uD800" * 340_000, FORM
    yield "form of telephone numbers", b"&".join([b"a=+49 30 555 0100"] * values), FORM
    yield "form of plus signs", b"a=" + b"=+" * 1_000_000, FORM
    yield "form of one name of many words", b"aB" * 1_000_000 + b"=1", FORM
    yield "form that names many charsets", b"&_charset=" * 19_000 + b"a" * 1_000_000, FORM


def _documents() -> Iterator[tuple[str, bytes, str]]:
    values = VALUES - 2
    yield "JSON in a form's field", b"data=" + b"%5B1%5D" * 290_000, FORM
    yield "JSON of 20,000 values in a field", b"data=" + quote(json.dumps(["x" * 70] * values)).encode(), FORM
    yield "JSON of a million numbers in a field", b"data=[" + b"1," * 1_000_000 + b"1]", FORM
    yield "JSON of 39,000 values in a field", b"data=[" + b"1," * 39_000 + b"1]", FORM
    yield "JSON in each of 20,000 fields", b"&".join([b"a=[1]"] * values), FORM
    yield "broken JSON in each of 20,000 fields", b"&".join([b"a=[" + b"1," * 40 + b"}"] * values), FORM
    yield "JSON of many values in each field", b"&".join([b"a=[" + b"1," * 1000 + b"1]"] * 1_000), FORM
    yield "JSON of empty lists in each field", b"&".join([b"a=[" + b"[]," * 30 + b"[]]"] * values), FORM
    yield "long broken JSON in each field", b"&".join([b'a=["' + b"\\u0141" * 15 + b"\n"] * values), FORM
    yield "XML in each of 20,000 fields", b"&".join([b"a=<b c='1'/>"] * values), FORM
    yield "broken XML in each of 20,000 fields", b"&".join([b"a=<b><c>" + b"x" * 80] * values), FORM
    yield "XML of elements in a field", b"data=<a>" + b"<b/>" * 500_000 + b"</a>", FORM
    yield "XML with entities in each field", b"&".join([b"a=<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"] * values), FORM
    yield "JSON that says it's a form", b"[" + b"1," * 1_000_000 + b"1]", FORM
    yield "JSON of lists that says it's a form", b"[" + b"[]," * 690_000 + b"[]]", FORM
    yield "JSON of objects that says it's a form", b"[" + b'{"a":1},' * 230_000 + b"1]", FORM
    yield "escaped JSON as a form", quote(json.dumps(["x" * 70] * values)).encode(), FORM
    yield "escaped JSON of numbers as a form", b"%5B" + b"1," * 1_000_000 + b"1]", FORM


def _multipart() -> Iterator[tuple[str, bytes, str]]:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    many = BYTES // len(part + b"x\r\n") - 1
    yield "multipart of many parts", (part + b"x\r\n") * min(many, VALUES - 2) + b"--b--\r\n", _MULTIPART
    yield "multipart of too many parts", b"--b\r\n\r\n\r\n" * 200_000 + b"--b--\r\n", _MULTIPART
    yield "multipart of one text", part + b"x" * 2_000_000 + b"\r\n--b--\r\n", _MULTIPART
    yield "multipart of one text of lines", part + b"\r\n" * 1_000_000 + b"\r\n--b--\r\n", _MULTIPART
    yield "multipart of dashes", part + b"\r\n--" * 500_000 + b"\r\n--b--\r\n", _MULTIPART
    yield "multipart with a long head", b"--b\r\n" + b"A: b\r\n" * 330_000 + b"\r\n\r\n--b--\r\n", _MULTIPART
    yield "multipart with a long preamble", b"\r\n-" * 690_000 + b"\r\n" + part + b"x\r\n--b--\r\n", _MULTIPART
    yield "multipart that has no end", part + b"x" * 2_000_000, _MULTIPART
    yield "multipart of JSON", part + b"[" + b"1," * 19_000 + b"1]\r\n--b--\r\n", _MULTIPART
    head = b"--b\r\n" + b"X: y\r\n" * 10 + part[5:]
    yield "multipart of many heads", (head + b"x\r\n") * (BYTES // len(head + b"x\r\n") - 1) + b"--b--\r\n", _MULTIPART
    options = b"; ".join(b'a%d="b"' % number for number in range(20))
    head = b"--b\r\nContent-Disposition: form-data; " + options + b'; name="a"\r\n\r\n'
    yield (
        "multipart of many options",
        (head + b"x\r\n") * (BYTES // len(head + b"x\r\n") - 1) + b"--b--\r\n",
        _MULTIPART,
    )


def _xml() -> Iterator[tuple[str, bytes, str]]:
    yield "XML of 500,000 elements", b"<a>" + b"<b/>" * 500_000 + b"</a>", XML
    yield "XML of 40,000 elements", b"<a>" + b"<b></b>" * 39_000 + b"</a>", XML
    yield "XML of 20,000 texts", b"<a>" + b"<b>" + b"</b><b>".join([b"x" * 80] * 19_000) + b"</b></a>", XML
    yield "XML of 60,000 attributes", b"<a " + b" ".join(b"b%d='1'" % n for n in range(59_000)) + b"/>", XML
    yield "XML under a long name", b"<a>" + b"<b>" * 60 + b"<c/>" * 19_000 + b"</b>" * 60 + b"</a>", XML
    name = (_ASTRAL * 900).encode()
    yield "XML under a long wide name", b"<" + name + b">" + b"<c/>" * 19_000 + b"</" + name + b">", XML
    yield "XML of one text", b"<a>" + b"&lt;" * 500_000 + b"</a>", XML
    yield "XML in UTF-16", ("<a>" + "<b>x</b>" * 19_000 + "</a>").encode("utf-16"), XML
    yield "XML 79,000 levels deep", b"<a>" * 39_000 + b"</a>" * 39_000, XML


def _undecodable() -> Iterator[tuple[str, bytes, str]]:
    yield "no JSON, full of values", b'{"a":1,,' + b'"abc":"def",' * 170_000, JSON
    yield "no JSON, few commas", b'{"a":1,,' + b'"abc":"def";' * 170_000, JSON
    yield "no JSON, full of digits", b'{"a":1,,' + b"4 1 1 1 " * 250_000, JSON
    yield "no JSON, full of escapes", b'{"a":1,,' + b"%41=%42;" * 250_000, JSON
    yield "no JSON, at its end", b'{"a":"' + b"\\u0141" * 300_000 + b'";}', JSON
    yield "no XML, at its end", b"<a>" + b"<b>x</b>" * 19_000 + b"</c>", XML
    yield "no form that is known", b" \xff=" * 600_000, "text/plain"
    yield "nothing but blanks", b" " * 2_000_000, FORM
    yield "nothing but line breaks", b"\n" * 2_000_000, JSON
