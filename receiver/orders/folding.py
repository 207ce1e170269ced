"""Text as people look for it: without case, accents and signs that are typed in many ways."""

from __future__ import annotations

import re
import unicodedata

#: Letters that Unicode doesn't take apart into one without its stroke, and an accent.
_WITHOUT_STROKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
#: What LIKE would take for a sign of its own becomes one sign, here and there; controls separate words.
_SIGNS = str.maketrans(
    {"%": "-", "_": "-", "\\": "-", "#": None, "$": None, **{chr(code): " " for code in (*range(32), 127)}}
)
#: Accents, signs of currencies, and what's neither letter nor sign.
_LEFT_OUT = frozenset({"Mn", "Sc", "Cf", "Cs"})
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")


def folded(text: str) -> str:
    """Return a text in its simplest letters, on one line: ``Zoë  Müller`` and ``ZOE MULLER`` are the same.

    A number sign, a currency sign and commas between thousands are left out: ``#2117``, ``£1,115.50``.
    """
    plain = text.lower() if text.isascii() else _in_simple_letters(text.casefold())
    return " ".join(_THOUSANDS.sub("", plain.translate(_SIGNS)).split())


def _in_simple_letters(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    letters = (one for one in apart if unicodedata.category(one) not in _LEFT_OUT)
    return "".join(" " if unicodedata.category(one) == "Cc" else one for one in letters).translate(_WITHOUT_STROKE)
