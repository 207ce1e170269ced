"""Signatures that a shop makes with a key of its own; what the merchant enters is its public key, no secret."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import load_pem_x509_certificate

from receiver.errors import ConfigurationError
from receiver.security.schemes import contract
from receiver.security.schemes.contract import Sent, Verified
from receiver.security.signing import TOLERANCE_SECONDS, SignatureProblem

#: Checks a signature over a content; raises InvalidSignature.
_Check = Callable[[bytes, bytes], None]


@dataclass(frozen=True)
class PublicKeySignature:
    """An Ed25519 (RFC 8032) or an RSA PKCS #1 v1.5 signature (RFC 8017, 8.2) with SHA-256 in a header."""

    header: str
    #: ``ed25519``, whose key is 32 bytes in hex or base64, or ``rsa``, whose key or certificate is PEM.
    kind: str = "ed25519"
    #: How the signature is written: ``hex`` or ``base64``.
    encoding: str = "hex"
    #: A header that holds the time, which is signed before the body.
    timestamp_header: str | None = None
    tolerance: int = TOLERANCE_SECONDS
    covers_body: bool = True

    @property
    def has_timestamp(self) -> bool:
        """Whether a time is signed, so that a replay is noticed."""
        return self.timestamp_header is not None

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError if this isn't a public key of this kind."""
        try:
            self._check(secret)
        except (ValueError, TypeError) as error:
            wanted = "a PEM key or certificate" if self.kind == "rsa" else "32 bytes in hex or base64"
            raise ConfigurationError(f"The public key of this shop is {wanted}; copy it again, whole.") from error

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:
        """Return the key that made the signature; raises SignatureProblem."""
        written = contract.header(sent.headers, self.header)
        timestamp = contract.header(sent.headers, self.timestamp_header) if self.timestamp_header else ""
        if timestamp:
            if not contract.is_timestamp(timestamp):
                raise SignatureProblem("malformed_header", f"The header {self.timestamp_header} isn't a Unix time.")
            contract.check_clock(timestamp, now, self.tolerance)
        try:
            signature = contract.key_bytes(written, self.encoding)
        except ConfigurationError as error:
            raise SignatureProblem("malformed_header", f"The header {self.header} isn't {self.encoding}.") from error
        for key in secrets:
            try:
                self._check(key)(signature, timestamp.encode() + sent.body)
            except (InvalidSignature, ValueError, TypeError):  # the last two: no key of this kind
                continue
            return Verified(key, contract.seconds(timestamp) if timestamp else None)
        raise contract.differs(self.header)

    def _check(self, key: str) -> _Check:
        if self.kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(_bytes(key)).verify
        pem = key.encode()
        is_certificate = b"CERTIFICATE" in pem
        found = (
            load_pem_x509_certificate(pem).public_key() if is_certificate else serialization.load_pem_public_key(pem)
        )
        if not isinstance(found, rsa.RSAPublicKey):
            raise TypeError("no RSA key")
        return lambda signature, content: found.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())


def _bytes(key: str) -> bytes:
    """Return a raw key that's written in hex or base64."""
    return bytes.fromhex(key) if len(key) == 64 else base64.b64decode(key, validate=True)
