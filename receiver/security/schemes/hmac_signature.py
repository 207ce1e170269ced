"""The signatures of most shops: an HMAC in a header."""

from __future__ import annotations

import base64
import binascii
import hmac
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.errors import ConfigurationError
from receiver.security.schemes import contract
from receiver.security.schemes.contract import Sent, Verified
from receiver.security.signing import SHORTEST_SECRET, TOLERANCE_SECONDS, SignatureProblem


@dataclass(frozen=True)
class HmacSignature:
    """An HMAC (RFC 2104) in a header, over the body or over a text that holds it."""

    header: str
    digest: str = "sha256"
    #: ``hex``, in either case, or ``base64``.
    encoding: str = "hex"
    #: How the secret is written: ``text``, ``hex`` or ``base64``.
    key: str = "text"
    #: What's signed: ``{body}``, ``{timestamp}``, ``{url}``, and any other name is a field of the body.
    signed: str = "{body}"
    #: What stands before the signature in the header, such as ``sha256=``.
    prefix: str = ""
    #: For a header of named parts, such as ``t=1,v1=…``: separator, name of the time, name of the signature.
    parts: tuple[str, str, str] | None = None
    #: A header of its own that holds the time.
    timestamp_header: str | None = None
    #: Seconds that a signed time may differ from ours, either way.
    tolerance: int = TOLERANCE_SECONDS

    @property
    def covers_body(self) -> bool:
        """Whether all of the body is signed."""
        return "{body}" in self.signed

    @property
    def has_timestamp(self) -> bool:
        """Whether a time is signed, so that a replay is noticed."""
        return "{timestamp}" in self.signed

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError for a secret that's too short, or that isn't written as ``key`` says."""
        contract.refuse_short(secret, SHORTEST_SECRET)
        self._key(secret)

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:
        """Return the secret that made one of the signatures sent; raises SignatureProblem."""
        timestamp, candidates = self._sent(sent.headers)
        if self.has_timestamp:
            contract.check_clock(timestamp, now, self.tolerance)
        content = self._content(sent, timestamp)
        found = None
        # All with all: to stop early would tell by its time which secret or signature fitted.
        for secret in secrets:
            try:
                expected = self._signature(secret, content)
            except ConfigurationError:  # one of another scheme, from before the source had this one
                continue
            for candidate in candidates:
                if hmac.compare_digest(expected, candidate):
                    found = secret
        if found is None:
            raise contract.differs(self.header)
        return Verified(found, contract.seconds(timestamp) if self.has_timestamp else None)

    def sign(self, sent: Sent, secret: str, now: datetime) -> dict[str, str]:
        """Return the header or headers, signed at ``now``."""
        timestamp = str(int(now.timestamp()))
        signature = self.prefix + self._signature(secret, self._content(sent, timestamp)).decode()
        headers = {self.timestamp_header: timestamp} if self.timestamp_header else {}
        if self.parts:
            separator, time_name, signature_name = self.parts
            signature = f"{time_name}={timestamp}{separator}{signature_name}={signature}"
        return headers | {self.header: signature}

    def _sent(self, headers: Mapping[str, str]) -> tuple[str, list[bytes]]:
        """Return the time and the signatures sent; the time is empty where none is signed."""
        written = contract.header(headers, self.header)
        if self.parts is None:
            timestamp = contract.header(headers, self.timestamp_header) if self.timestamp_header else ""
            found = [written.removeprefix(self.prefix)] if written.startswith(self.prefix) else []
        else:
            separator, time_name, signature_name = self.parts
            pairs = [part.strip().partition("=") for part in written.split(separator)]
            times = [value for name, _, value in pairs if name == time_name]
            found = [value for name, _, value in pairs if name == signature_name]
            timestamp = times[0] if len(times) == 1 else ""
        if not found or (self.has_timestamp and not (contract.is_timestamp(timestamp))):
            raise SignatureProblem("malformed_header", f"The header {self.header} isn't in the form of this shop.")
        return timestamp, [self._comparable(one) for one in found]

    def _comparable(self, signature: str) -> bytes:
        return (signature.lower() if self.encoding == "hex" else signature).encode("latin-1", "replace")

    def _content(self, sent: Sent, timestamp: str) -> bytes:
        """Return the bytes that are signed."""
        content = b""
        for literal, name, _, _ in string.Formatter().parse(self.signed):
            content += literal.encode()
            if name == "body":
                content += sent.body
            elif name in ("timestamp", "url"):
                content += {"timestamp": timestamp, "url": sent.url}[name].encode()
            elif name:
                content += dict(sent.fields()).get(name, "").encode()
        return content

    def _signature(self, secret: str, content: bytes) -> bytes:
        mac = hmac.digest(self._key(secret), content, self.digest)
        return binascii.hexlify(mac) if self.encoding == "hex" else base64.b64encode(mac)

    def _key(self, secret: str) -> bytes:
        return contract.key_bytes(secret, self.key)
