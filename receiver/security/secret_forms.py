"""The forms in which a text may hold a secret: as it is, percent-encoded, escaped as in JSON or HTML, in base64."""

from __future__ import annotations

import base64
import re
from functools import lru_cache


@lru_cache(maxsize=64)
def forms_of(secret: str) -> re.Pattern[str]:
    """Return the pattern of a secret in any of these forms, its characters each in a form of its own."""
    escaped = "".join(map(_forms_of_character, secret))
    encoded = [re.escape(text) for text in _in_base64(secret.encode())]
    return re.compile("|".join([escaped, *encoded]))


def _forms_of_character(character: str) -> str:
    code = ord(character)
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    forms = [re.escape(percent), rf"\\u{code:04x}", f"&\\#0*{code};", f"&\\#x0*{code:x};"]
    plain = re.escape(character) if character.isalnum() else rf"\\?{re.escape(character)}"
    return f"(?:{plain}|(?i:{'|'.join(forms)}))"


def _in_base64(secret: bytes) -> set[str]:
    """Return the base64 of the secret at each place in what was encoded, without what the bytes beside it decide."""
    found = set()
    for before in range(3):
        encode = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        begin = -(-before * 8 // 6)
        end = (before + len(secret)) * 8 // 6
        own = encode[begin:end]
        found |= {own, own.replace("+", "-").replace("/", "_")}
    return found
