"""Bytes and Content-Type to fields: picks the encoding and refuses what no encoding may hold."""

from __future__ import annotations

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from werkzeug.http import parse_options_header

from receiver.errors import TooLarge, Undecodable, UnsupportedEncoding
from receiver.orders.json_decoding import decode_json
from receiver.orders.multipart import decode_multipart
from receiver.orders.names import Fields, place_of

# A closed list: Python also has codecs that no website uses (utf-7, idna, rot13) or that read ASCII bytes as
# something else (utf-16, ebcdic), and it keeps every name in memory that it was ever asked for.
_CHARSETS = re.compile(
    r"utf_8|ascii|latin_1|iso8859_(?:[2-9]|1[013-6])|cp125[0-8]|shift_jis|cp932|euc_jp|euc_kr|cp949"
    r"|gb2312|gbk|gb18030|big5|big5hkscs|koi8_r|koi8_u|mac_roman|tis_620"
)
_LONGEST_CHARSET = 40


def decode(body: bytes, content_type: str | None, max_fields: int) -> Fields:
    """Return the body's fields in the order they came, NUL replaced by U+FFFD.

    Raises UnsupportedEncoding for a Content-Type that isn't one of the three, Undecodable for a body that isn't
    what it says or gives a contract name twice, TooLarge for more fields than ``max_fields``.
    """
    written_type, options = parse_options_header(content_type)
    media_type, charset = written_type.lower(), options.get("charset", "utf-8")
    if media_type == "application/json":
        fields = decode_json(body, max_fields)
    elif media_type == "application/x-www-form-urlencoded":
        fields = decode_form(body, _codec(charset), max_fields)
    elif media_type == "multipart/form-data":
        fields = decode_multipart(body, options.get("boundary", ""), _codec(charset), max_fields)
    else:
        raise UnsupportedEncoding(
            "Send the order as application/x-www-form-urlencoded, multipart/form-data or application/json, "
            "and say which in the Content-Type header."
        )
    _refuse_twice(fields)
    return fields


def decode_form(body: bytes, charset: str, max_fields: int) -> Fields:
    """Return the fields of an ``application/x-www-form-urlencoded`` body; nothing in it is skipped or repaired.

    Raises Undecodable for bytes that the charset does not have, TooLarge for more fields than ``max_fields``.
    """
    if body.count(b"&") >= max_fields:
        raise TooLarge(f"The body has more than {max_fields} fields.")
    fields: Fields = []
    try:
        text = body.replace(b"\0", b"%00").decode(charset).replace("+", " ")
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if "%" in pair:
                fields.append((_unescaped(name, charset), _unescaped(value, charset)))
            elif pair:
                fields.append((name, value))
    except UnicodeDecodeError as error:
        raise Undecodable(f"The body holds bytes that are not {charset}.") from error
    return fields


@lru_cache(maxsize=64)
def _codec(charset: str) -> str:
    asked = normalize_encoding(charset[:_LONGEST_CHARSET]).lower()
    known = aliases.get(asked, asked)
    if _CHARSETS.fullmatch(known) is None:
        raise Undecodable("The charset of the Content-Type is not known here; send the body in utf-8.")
    return codecs.lookup(known).name


def _refuse_twice(fields: Fields) -> None:
    """Refuse a field of the contract that is given twice, under one name or under its form name and its path.

    The shop's own fields may repeat: they become lists.
    """
    names = [name for name, _ in fields]
    joined = "\n".join(names)
    # Names of one field are equal, or one of them is a JSON path or holds a number with leading zeros.
    if len(set(names)) == len(names) and "." not in joined and "item_0" not in joined:
        return
    seen = set()
    for name in names:
        place = place_of(name)
        if place is not None and place.part != "custom":
            if place in seen:
                # An option's name may be anything, a secret too.
                shown = f"items[{place.row}].options" if place.part == "options" else name
                raise Undecodable(f"The field {shown} is given twice; send it once.")
            seen.add(place)


def _unescaped(part: str, charset: str) -> str:
    if "%" not in part:
        return part
    return unquote_to_bytes(part.encode(charset)).decode(charset).replace("\0", "\ufffd")
