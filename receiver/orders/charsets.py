"""Bytes to text: by the charset that is named, and by the likeliest one where they don't fit it."""

from __future__ import annotations

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from urllib.parse import unquote_to_bytes

# A closed list: Python also has codecs that no website uses (utf-7, idna, rot13) or that read ASCII bytes as
# something else (utf-16, ebcdic), and it keeps every name in memory that it was ever asked for.
_CHARSETS = re.compile(
    r"utf_8|ascii|latin_1|iso8859_(?:[2-9]|1[013-6])|cp125[0-8]|shift_jis|cp932|euc_jp|euc_kr|cp949"
    r"|gb2312|gbk|gb18030|big5|big5hkscs|koi8_r|koi8_u|mac_roman|tis_620"
)
_LONGEST_NAME = 40
_CP1252 = "cp1252"
_PIECE = 65_536

OTHER_BYTES = "The body holds bytes that are not {charset}: what doesn't fit was read as windows-1252."


@lru_cache(maxsize=64)
def codec(charset: str) -> str | None:
    """Return Python's name of a charset, None for one that isn't known; Latin-1 is windows-1252 (WHATWG Encoding)."""
    asked = normalize_encoding(charset.strip()[:_LONGEST_NAME]).lower()
    known = aliases.get(asked, asked)
    if _CHARSETS.fullmatch(known) is None:
        return None
    return _CP1252 if known in ("latin_1", "ascii") else codecs.lookup(known).name


def text_of(raw: bytes, charset: str) -> str:
    """Return the text of bytes in a charset, without NUL, which databases don't keep; raises UnicodeDecodeError."""
    return raw.decode(charset).replace("\0", "\ufffd")


def unquoted(raw: bytes) -> bytes:
    """Return bytes with what's percent-encoded in them decoded, piece by piece: of a long row it takes much memory."""
    if len(raw) <= _PIECE:
        return unquote_to_bytes(raw)
    pieces, begin = [], 0
    while begin < len(raw):
        end = begin + _PIECE
        cut = raw.rfind(b"%", end - 2, end)  # no escape is cut in two
        end = cut if cut >= 0 else end
        pieces.append(unquote_to_bytes(raw[begin:end]))
        begin = end
    return b"".join(pieces)


def fallback_text(raw: bytes) -> str:
    """Return the text of bytes that don't fit their charset: as windows-1252, and what that lacks as Latin-1."""
    try:
        text = raw.decode(_CP1252)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\0", "\ufffd")
