"""Split a JSON list, read from a file piece by piece, into the texts of its elements."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from receiver.errors import Undecodable

#: How a list begins: by itself, or as the ``orders`` of an object, which is what shops' APIs answer with.
BEGIN = re.compile(r'\A\s*(?:\{\s*"orders"\s*:\s*)?\[')
_PIECE = 65_536


def elements(file: BinaryIO, most: int) -> Iterator[str]:
    """Yield the text of each element of a list that the file begins with; what follows the list isn't looked at.

    An element may have ``most`` characters. Raises Undecodable where the list isn't JSON or one is longer: nobody knows
    where the next one begins. Bytes that aren't UTF-8 are replaced.
    """
    scan, pieces = json.JSONDecoder(strict=False).raw_decode, codecs.getreader("utf-8-sig")(file, "replace")
    text = BEGIN.sub("", pieces.read(_PIECE), count=1)
    while True:
        text = text.lstrip(" \t\r\n,")
        if text.startswith("]"):
            return
        try:
            end = scan(text)[1]
        except (ValueError, RecursionError):
            piece = pieces.read(_PIECE) if len(text) <= most else ""
            if not piece:
                raise Undecodable("The JSON goes wrong here. Neither this nor anything after it was read.") from None
            text += piece
            continue
        yield text[:end]
        text = text[end:]
