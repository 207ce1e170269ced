"""The signature scheme, both directions. Pure: bytes in, bytes out, time passed in.

The scheme is Standard Webhooks (specification 1.0.0), as order-post "Authentication" takes it over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random_source
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from itsdangerous import HMACAlgorithm

from receiver.errors import ConfigurationError

#: How far a timestamp may be off, either way, in seconds.
TOLERANCE_SECONDS = 300
#: Fewest characters of a secret that another service made.
SHORTEST_SECRET = 16

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the scheme's public prefix, no secret
_LONGEST_SIGNATURE_HEADER = 4096
_ID = re.compile(rb"[!-\-/-~]{1,255}")  # visible ASCII without the dot, which parts what is signed
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
#: One signature of the list: base64 of 32 bytes in version v1, anything in another.
_SIGNATURE = re.compile(rb"v1,([A-Za-z0-9+/]{43}=)|(?!v1,)[^ ,]+,[^ ,]+")
_HMAC_SHA256 = HMACAlgorithm(hashlib.sha256)


@dataclass(frozen=True)
class Signed:
    """The secret of a verified signature, and the other values it covers."""

    secret: str
    webhook_id: str
    #: Unix seconds.
    timestamp: int


class SignatureProblem(Exception):
    """Raised when a signature is wrong; the text is for the merchant and holds no secret or signature."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        #: ``header_missing``, ``malformed_header``, ``clock_off`` or ``signature_differs``.
        self.reason = reason
        #: One sentence.
        self.detail = detail


def new_secret() -> str:
    """Make a secret: ``whsec_`` and the base64 of 32 random bytes."""
    return _SECRET_PREFIX + base64.b64encode(random_source.token_bytes(32)).decode()


@lru_cache(maxsize=64)
def fingerprint(secret: str) -> str:
    """Name a secret without giving it away: the first 8 hex digits of the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def clean_secret(text: str) -> str:
    """Take a secret that somebody typed or another service made, without its outer white space.

    Raises ConfigurationError when it can't be one; the message doesn't repeat it.
    """
    secret = text.strip()
    if len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"A shared secret has at least {SHORTEST_SECRET} characters, this one has {len(secret)}; "
            "copy it whole, or make one with `flask secret add`."
        )
    signing_key(secret)
    return secret


def signing_key(secret: str) -> bytes:
    """Return the HMAC key: the base64-decoded part of a ``whsec_`` secret, the UTF-8 bytes of any other.

    Raises ConfigurationError when the secret is damaged.
    """
    try:
        if not secret.startswith(_SECRET_PREFIX):
            return secret.encode()
        encoded = secret.removeprefix(_SECRET_PREFIX)
        padding = "=" * (-len(encoded) % 4)  # some services leave it out
        return base64.b64decode(encoded + padding, validate=True)
    except (UnicodeError, ValueError) as error:
        raise ConfigurationError(
            "The shared secret is damaged: after whsec_ only base64 may follow, and any other is UTF-8 text. "
            "Copy it again."
        ) from error


def is_webhook_id(text: str) -> bool:
    """Return whether a text can be signed as a webhook-id: 1 to 255 visible ASCII characters without a dot."""
    return _ID.fullmatch(text.encode()) is not None


def sign(secrets: Sequence[str], *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Sign a body with every secret, newest first, as the value of the webhook-signature header.

    ``timestamp`` is Unix seconds. Raises ValueError when ``webhook_id`` can't be signed unambiguously.
    """
    if not is_webhook_id(webhook_id):
        raise ValueError("webhook_id must be 1 to 255 visible ASCII characters without a dot")
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return b" ".join(b"v1," + _signature(secret, content) for secret in secrets).decode()


def verify(
    *,
    webhook_id: bytes | str | None,
    timestamp: bytes | str | None,
    signature: bytes | str | None,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,
) -> Signed:
    """Verify that a body was signed with one of the secrets, within 300 s of ``now`` (aware UTC).

    The first three are the headers webhook-id, webhook-timestamp and webhook-signature as they came,
    None when absent. Every secret is tried with every signature. Raises SignatureProblem and nothing else.
    """
    id_sent = _header("webhook-id", webhook_id, _ID, "1 to 255 visible ASCII characters without a dot")
    time_sent = _header("webhook-timestamp", timestamp, _TIMESTAMP, "Unix seconds, 1 to 12 digits")
    candidates = _signatures(_header_bytes("webhook-signature", signature))
    _check_clock(int(time_sent), now)
    content = b"%s.%s.%s" % (id_sent, time_sent, body)
    secret = _matching_secret(secrets, candidates, content)
    return Signed(secret=secret, webhook_id=id_sent.decode(), timestamp=int(time_sent))


def equals_any(value: bytes, secrets: Mapping[str, bytes]) -> str | None:
    """Find the secret that equals a value, in constant time; ``secrets`` maps each to its UTF-8 bytes."""
    found = None
    for secret, secret_bytes in secrets.items():
        if hmac.compare_digest(value, secret_bytes):
            found = secret
    return found


def _signature(secret: str, content: bytes) -> bytes:
    return binascii.b2a_base64(_HMAC_SHA256.get_signature(signing_key(secret), content), newline=False)


def _header_bytes(name: str, value: bytes | str | None) -> bytes:
    """Turn a header into the bytes that came; WSGI hands them over as Latin-1 text (PEP 3333)."""
    if not value:
        raise SignatureProblem("header_missing", f"The header {name} is missing or empty.")
    try:
        return value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeError as error:
        raise SignatureProblem("malformed_header", f"The header {name} is not ASCII.") from error


def _header(name: str, value: bytes | str | None, pattern: re.Pattern[bytes], meaning: str) -> bytes:
    sent = _header_bytes(name, value)
    if not pattern.fullmatch(sent):
        raise SignatureProblem("malformed_header", f"The header {name} is not {meaning}.")
    return sent


def _signatures(header: bytes) -> list[bytes]:
    """Take the v1 signatures out of the list; other versions are for other receivers, and skipped."""
    if len(header) > _LONGEST_SIGNATURE_HEADER:
        raise SignatureProblem("malformed_header", f"webhook-signature has {len(header)} bytes, far too many.")
    parts = [_SIGNATURE.fullmatch(part) for part in header.split(b" ")]
    if None in parts:
        raise SignatureProblem(
            "malformed_header", "webhook-signature is not a space-separated list of v1,<base64 of 32 bytes>, sent once."
        )
    found = [part[1] for part in parts if part and part[1]]
    if not found:
        raise SignatureProblem("malformed_header", "webhook-signature holds no signature of version v1.")
    return found


def _check_clock(timestamp: int, now: datetime) -> None:
    late = int(now.timestamp()) - timestamp
    if abs(late) > TOLERANCE_SECONDS:
        direction = "behind" if late > 0 else "ahead of"
        raise SignatureProblem(
            "clock_off",
            f"webhook-timestamp is {abs(late)} s {direction} this server's clock; {TOLERANCE_SECONDS} s are allowed.",
        )


def _matching_secret(secrets: Sequence[str], candidates: Sequence[bytes], content: bytes) -> str:
    """Compare all with all: stopping early would show by its time which secret or signature fitted."""
    found = None
    for secret in secrets:
        expected = _signature(secret, content)
        for candidate in candidates:
            if hmac.compare_digest(expected, candidate):
                found = secret
    if found is None:
        raise SignatureProblem(
            "signature_differs",
            f"No signature sent ({len(candidates)}) fits an active secret ({len(secrets)}): "
            "the sender holds another secret, or the body was changed on the way.",
        )
    return found
