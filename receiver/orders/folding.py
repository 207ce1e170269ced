"""Text as people look for it: without case, accents and signs that are typed in many ways."""

from __future__ import annotations

import re
import unicodedata

#: Letters that Unicode doesn't take apart into one without its stroke, and an accent.
_WITHOUT_STROKE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
#: What LIKE would take for a sign of its own becomes one sign, here and there.
_SIGNS_OF_LIKE = str.maketrans({"%": "-", "_": "-", "\\": "-"})
#: Accents, signs of currencies, and what's neither letter nor sign.
_LEFT_OUT = frozenset({"Mn", "Sc", "Cf", "Cs"})
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")


def folded(text: str) -> str:
    """Return a text in its simplest letters, on one line: ``Zoë  Müller`` and ``ZOE MULLER`` are the same.

    A number sign, a currency sign and commas between thousands are left out: ``#2117``, ``£1,115.50``.
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(one for one in apart if unicodedata.category(one) not in _LEFT_OUT and one != "#")
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in letters)
    plain = _THOUSANDS.sub("", plain.translate(_WITHOUT_STROKE).translate(_SIGNS_OF_LIKE))
    return " ".join(plain.split())
