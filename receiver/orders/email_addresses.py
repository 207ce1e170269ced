"""Rules for email addresses: which are well-formed, which can be delivered to, and how one is spelled as a key."""

from __future__ import annotations

import re
import unicodedata

import idna

#: What may stand before the @, and in a Message-ID.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]"
_LOCAL_PART = re.compile(rf"{ATOM}{{1,64}}")
#: In bytes: RFC 5321, 4.5.3.1. A longer domain isn't taken to ASCII, which would take long.
_LONGEST = 254
_NOT_IN_ADDRESS = frozenset(' ,;:<>()[]"\\')
_LABEL = re.compile(r"(?!-)[A-Za-z0-9\x80-\U0010ffff-]{1,63}(?<!-)")
_DOMAIN = re.compile(r"(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)+(?!-)[A-Za-z0-9-]{2,63}(?<!-)")


def bare_address(value: str) -> str:
    """Return one bare email address, of any script, no longer than RFC 5321 section 4.5.3.1 allows; else ValueError."""
    # Before all else: to normalise many combining marks takes the square of their number, and holds the process.
    if len(value) > _LONGEST or len(value.encode()) > _LONGEST:
        raise ValueError("is longer than an email address can be (RFC 5321)")
    local, _, domain = value.rpartition("@")
    # Compatibility forms of @, comma and the like turn into the real ones on their way into a header.
    plain = value if value.isascii() else unicodedata.normalize("NFKC", value)
    if plain.count("@") != 1 or not plain.isprintable() or not _NOT_IN_ADDRESS.isdisjoint(plain):
        raise ValueError('must be one bare email address such as "zoe@example.com"')
    if "=?" in plain:  # begins an encoded word (RFC 2047), which a mail program may read as other text
        raise ValueError("must hold no =? before the @")
    labels = domain.split(".")
    if not local or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("must have something before the @ and a domain with a dot after it")
    if len(local.encode()) > 64:
        raise ValueError("is longer than an email address can be (RFC 5321)")
    return value


def deliverable(address: str) -> str:
    """Return one plain address with its domain in ASCII (IDNA).

    Raises ValueError for anything else: a list, a display name, two @, a control character. Its message says what's
    wrong without the address.
    """
    if len(address) > _LONGEST:
        raise ValueError("is not one plain email address")
    local_part, _, domain = address.rpartition("@")
    in_ascii = ascii_domain(domain)
    # An encoded word (RFC 2047) is read as other text by some servers, also in RCPT TO: as another address.
    if _LOCAL_PART.fullmatch(local_part) and "=?" not in local_part and in_ascii:
        return f"{local_part}@{in_ascii}"
    if local_part.isprintable() and not local_part.isascii():
        raise ValueError("has letters outside ASCII before its @, which most mail servers cannot deliver to")
    raise ValueError("is not one plain email address")


def ascii_domain(domain: str) -> str | None:
    """Return the domain in lower-case ASCII, or None when it is not one.

    As browsers do it (UTS 46, nontransitional). Python's own codec follows the rules of 2003, by which straße.de
    would be strasse.de, a stranger's domain.
    """
    try:
        labels = (domain.lower() if domain.isascii() else idna.uts46_remap(domain)).split(".")
    except UnicodeError:
        return None
    plain = ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)
    return plain if _DOMAIN.fullmatch(plain) and len(plain) <= 253 else None


def normalised(email: str) -> str:
    """Return the one spelling under which an email address is a key: composed, trimmed, lower case.

    A domain is spelled in its own letters, also one that came as ``xn--…`` (RFC 5890): that's the same mailbox.
    What is longer than any address is not composed: many combining marks would hold the process for half a minute.
    """
    if len(email) > _LONGEST:
        return email.strip().lower()
    composed = unicodedata.normalize("NFC", email).strip()
    in_lower_case = composed.lower()
    local_part, at, domain = composed.rpartition("@")
    if not at or (composed.isascii() and "xn--" not in in_lower_case):
        return in_lower_case
    # Each by itself: a sigma in lower case depends on what follows, and in a domain on IDNA alone.
    return f"{local_part.lower()}@{_in_its_letters(domain)}"


def _in_its_letters(domain: str) -> str:
    """Return a domain in lower case, with its own letters instead of ``xn--…`` if that's surely the same domain."""
    in_lower_case, in_ascii = domain.lower(), ascii_domain(domain)
    if in_ascii is None:
        return in_lower_case
    try:
        labels = [
            one.removeprefix("xn--").encode().decode("punycode") if one.startswith("xn--") else one
            for one in in_ascii.split(".")
        ]
    except UnicodeError:
        return in_lower_case
    found = ".".join(labels)
    return found if ascii_domain(found) == in_ascii else in_lower_case
