"""Which e-mail addresses mail can really be sent to, in one rule for the settings and for the mails."""

from __future__ import annotations

import re
import unicodedata

import idna

#: What may stand before the @, and in a Message-ID.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]"
_LOCAL_PART = re.compile(rf"{ATOM}{{1,64}}")
#: RFC 5321, 4.5.3.1; a domain is only taken to ASCII once it is known to be no longer.
_LONGEST = 254
_DOMAIN = re.compile(r"(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)+(?!-)[A-Za-z0-9-]{2,63}(?<!-)")


def deliverable(address: str) -> str:
    """Return one plain address with its domain in ASCII (IDNA).

    Raises ValueError, which says what it is or has and does not repeat it, for anything else: a list, a display
    name, two @, a control character.
    """
    if len(address) > _LONGEST:
        raise ValueError("is not one plain e-mail address")
    local_part, _, domain = address.rpartition("@")
    in_ascii = ascii_domain(domain)
    if _LOCAL_PART.fullmatch(local_part) and in_ascii:
        return f"{local_part}@{in_ascii}"
    if local_part.isprintable() and not local_part.isascii():
        raise ValueError("has letters outside ASCII before its @, which most mail servers cannot deliver to")
    raise ValueError("is not one plain e-mail address")


def ascii_domain(domain: str) -> str | None:
    """Return the domain in lower-case ASCII, or None when it is not one.

    As browsers do it (UTS 46, nontransitional): by Python's own codec, which follows the rules of 2003, straße.de is
    strasse.de, a stranger's.
    """
    try:
        labels = (domain.lower() if domain.isascii() else idna.uts46_remap(domain)).split(".")
    except UnicodeError:
        return None
    plain = ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)
    return plain if _DOMAIN.fullmatch(plain) and len(plain) <= 253 else None


_LONGEST_EMAIL = 254


def normalised(email: str) -> str:
    """Return the one spelling under which an e-mail address is a key: composed, trimmed, lower case.

    What is longer than any address is not composed: many combining marks would hold the process for half a minute.
    """
    return (unicodedata.normalize("NFC", email) if len(email) <= _LONGEST_EMAIL else email).strip().lower()
