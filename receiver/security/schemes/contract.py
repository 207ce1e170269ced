"""What a signature scheme is: what it's given, what it answers, and what all schemes need."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from receiver.errors import ConfigurationError
from receiver.orders import Fields
from receiver.security.signing import TOLERANCE_SECONDS, SignatureProblem

#: Fewest characters of a secret that proves in one named header or field only.
SHORTEST_TOKEN = 8
#: A timestamp beyond this is in milliseconds: as seconds it would be in the year 5138.
_MILLISECONDS_FROM = 100_000_000_000
_LONGEST_HEADER = 4096
_LONGEST_TIMESTAMP = 16


class Sent(NamedTuple):
    """A POST as far as a signature may cover it."""

    #: By lower-case name.
    headers: Mapping[str, str]
    body: bytes
    #: As the sender wrote it: scheme, host and path.
    url: str
    #: Decodes the body, which happens only if the scheme signs fields.
    fields: Callable[[], Fields]


class Verified(NamedTuple):
    """The secret that proved a POST, and when it was signed."""

    secret: str
    #: Unix seconds; None where the scheme signs no time.
    timestamp: int | None = None


class Scheme(Protocol):
    """A way to prove a POST; implement it for a shop whose way isn't among these."""

    @property
    def covers_body(self) -> bool:
        """Whether all of the body is signed, so that a changed one is noticed."""

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError, with the fix, for a secret that can't be one of this scheme."""

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:
        """Return what proved a POST; raises SignatureProblem. ``now`` is aware UTC."""

    def sign(self, sent: Sent, secret: str, now: datetime) -> dict[str, str]:
        """Return the headers that prove a POST, for samples and tests."""


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header by its name in any case; raises SignatureProblem for a missing and for an enormous one."""
    value = headers.get(name.lower(), "").strip()
    if not value:
        raise SignatureProblem("header_missing", f"The header {name} is missing or empty.")
    if len(value) > _LONGEST_HEADER:
        raise SignatureProblem("malformed_header", f"The header {name} has {len(value)} characters, far too many.")
    return value


def differs(where: str) -> SignatureProblem:
    """Return the problem that no secret fits what was sent."""
    return SignatureProblem(
        "signature_differs",
        f"{where} fits no secret of this source: the shop holds another one, or the body was changed on the way.",
    )


def is_timestamp(text: str) -> bool:
    """Return whether a text can be a Unix time in seconds or milliseconds."""
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIMESTAMP


def seconds(timestamp: str) -> int:
    """Return a Unix time in seconds; some shops write milliseconds."""
    number = int(timestamp)
    return number // 1000 if number >= _MILLISECONDS_FROM else number


def check_clock(timestamp: str, now: datetime, tolerance: int = TOLERANCE_SECONDS) -> None:
    """Raise SignatureProblem when a signed time is more than ``tolerance`` seconds off, either way."""
    late = int(now.timestamp()) - seconds(timestamp)
    if abs(late) > tolerance:
        direction = "behind" if late > 0 else "ahead of"
        raise SignatureProblem(
            "clock_off", f"The signed time is {abs(late)} s {direction} this server's clock; {tolerance} s are allowed."
        )


def key_bytes(secret: str, written: str) -> bytes:
    """Return the key of a secret that's written as ``text``, ``hex`` or ``base64``.

    Raises ConfigurationError, which doesn't repeat the secret.
    """
    try:
        if written == "hex":
            return bytes.fromhex(secret)
        return base64.b64decode(secret, validate=True) if written == "base64" else secret.encode()
    except ValueError as error:
        raise ConfigurationError(f"The secret of this shop is written in {written}; copy it again, whole.") from error


def refuse_short(secret: str, shortest: int) -> None:
    """Raise ConfigurationError for a secret of fewer characters."""
    if len(secret) < shortest:
        raise ConfigurationError(
            f"The secret of this shop has at least {shortest} characters, this one has {len(secret)}; copy it whole."
        )
