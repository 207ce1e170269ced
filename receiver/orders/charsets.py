"""Bytes to text: by the charset that is named, and by the likeliest one where they don't fit it."""

from __future__ import annotations

import binascii
import codecs
import json
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

from receiver.errors import Undecodable

# A closed list: Python also has codecs that no website uses (utf-7, idna, rot13) or that read ASCII bytes as
# something else (utf-16, ebcdic), and it keeps every name in memory that it was ever asked for.
_CHARSETS = re.compile(
    r"utf_8|ascii|latin_1|iso8859_(?:[2-9]|1[013-6])|cp125[0-8]|shift_jis|cp932|euc_jp|euc_kr|cp949"
    r"|gb2312|gbk|gb18030|big5|big5hkscs|koi8_r|koi8_u|mac_roman|tis_620"
)
_LONGEST_NAME = 40
_CP1252 = "cp1252"
#: A percent sign that escapes nothing, and so many that a form may have.
_STRAY, _MOST_STRAY = re.compile(rb"%(?![0-9A-Fa-f]{2})"), 20_000
#: JavaScript's escape() writes ``%u0141`` too. Of these, what parts a form's fields, or escapes, or is NUL.
_STRAY_OF_SCRIPT = re.compile("%(?!u[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2})")
_PARTING = ("00", "25", "26", "2B", "3D")
_SURROGATE = re.compile("[\ud800-\udfff]")

OTHER_BYTES = "The body holds bytes that are not {charset}: what doesn't fit was read as windows-1252."


def codec(charset: str) -> str | None:
    """Return Python's name of a charset, None for one that isn't known; Latin-1 is windows-1252 (WHATWG Encoding)."""
    return _codec(charset.strip()[:_LONGEST_NAME])


@lru_cache(maxsize=64)
def _codec(charset: str) -> str | None:
    asked = normalize_encoding(charset).lower()
    known = aliases.get(asked, asked)
    if _CHARSETS.fullmatch(known) is None:
        return None
    return _CP1252 if known in ("latin_1", "ascii") else codecs.lookup(known).name


def text_of(raw: bytes, charset: str) -> str:
    """Return the text of bytes in a charset, without NUL, which databases don't keep; raises UnicodeDecodeError."""
    return raw.decode(charset).replace("\0", "\ufffd")


def unquoted(raw: bytes) -> bytes:
    """Return bytes with what's percent-encoded in them decoded; ``with_whole_escapes`` comes before it."""
    # Quoted-printable (RFC 2045) writes = where a form writes %, and its decoder is many times quicker.
    return binascii.a2b_qp(raw.replace(b"=", b"%3D").replace(b"%", b"="))


def with_whole_escapes(raw: bytes) -> bytes:
    """Return bytes in which each percent sign that escapes nothing is escaped itself.

    Raises Undecodable for more than 20,000 of these.
    """
    whole, stray = _STRAY.subn(b"%25", raw, count=_MOST_STRAY + 1) if b"%" in raw else (raw, 0)
    if stray > _MOST_STRAY:
        raise _too_many_stray()
    return whole


def _too_many_stray() -> Undecodable:
    return Undecodable("The body has too many percent signs that escape nothing; encode the form's values.")


def without_script_escapes(form: bytes, charset: str) -> bytes:
    """Return a form with each ``%u0165`` written as that character, in the charset or as a question mark.

    Where the form isn't in the charset, only the fields in ASCII are.
    """
    try:
        text = form.decode(charset)
    except UnicodeDecodeError:
        fields = form.split(b"&")
        return b"&".join([without_script_escapes(one, charset) if one.isascii() else one for one in fields])
    whole, stray = _STRAY_OF_SCRIPT.subn("%25", text, count=_MOST_STRAY + 1)
    if stray > _MOST_STRAY:
        raise _too_many_stray()
    for code in _PARTING:
        whole = whole.replace(f"%u00{code}", f"%{code}").replace(f"%u00{code.lower()}", f"%{code}")
    # JSON writes its escapes likewise, and its reader joins the halves of a character, all at once.
    as_json = whole.replace("\\", "%5C").replace('"', "%22").replace("%u", "\\u")
    return _SURROGATE.sub("\ufffd", json.loads(f'"{as_json}"', strict=False)).encode(charset, "replace")


def fallback_text(raw: bytes) -> str:
    """Return the text of bytes that don't fit their charset: as windows-1252, and what that lacks as Latin-1."""
    try:
        text = raw.decode(_CP1252)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "\ufffd")
