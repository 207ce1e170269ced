"""The secret itself as proof: in one named header or field, or as HTTP Basic authentication."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.errors import ConfigurationError
from receiver.security.schemes import contract
from receiver.security.schemes.contract import SHORTEST_TOKEN, Sent, Verified
from receiver.security.signing import SignatureProblem, equals_any


@dataclass(frozen=True)
class Token:
    """The secret itself, in one named header or field: it shows who sends, but not that the body is unchanged."""

    header: str | None = None
    #: The name of a field of the body, as a mapping names it.
    field: str | None = None
    #: What stands before it, such as ``"Bearer "``.
    prefix: str = ""
    covers_body: bool = False

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError for a secret of fewer than 8 characters."""
        contract.refuse_short(secret, SHORTEST_TOKEN)

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002 - a token has no time
        """Return the secret that was sent; raises SignatureProblem."""
        if self.header:
            values = [contract.header(sent.headers, self.header)]
        else:
            values = [value for name, value in sent.fields() if name == self.field]
            if not values:
                raise SignatureProblem("field_missing", f"The field {self.field} is missing.")
        by_bytes = {self.prefix + secret: (self.prefix + secret).encode() for secret in secrets}
        for value in values[:4]:
            if match := equals_any(value.encode("utf-8", "replace"), by_bytes):
                return Verified(match.removeprefix(self.prefix))
        raise contract.differs(self.header or f"field {self.field}")

    def sign(self, sent: Sent, secret: str, now: datetime) -> dict[str, str]:  # noqa: ARG002 - it covers nothing
        """Return the header; a sample holds the field itself."""
        return {self.header: self.prefix + secret} if self.header else {}


@dataclass(frozen=True)
class BasicAuth:
    """HTTP Basic authentication (RFC 7617): the secret is ``user:password``."""

    covers_body: bool = False

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError unless it's a user, a colon and a password of at least 8 characters."""
        user, colon, password = secret.partition(":")
        if not colon or not user:
            raise ConfigurationError("The secret of a shop that logs in is written as user:password.")
        contract.refuse_short(password, SHORTEST_TOKEN)

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002 - a token has no time
        """Return the user and password that were sent; raises SignatureProblem."""
        written = contract.header(sent.headers, "Authorization")
        expected = {secret: self._credentials(secret).encode() for secret in secrets}
        if match := equals_any(written.encode("latin-1", "replace"), expected):
            return Verified(match)
        raise contract.differs("Authorization")

    def sign(self, sent: Sent, secret: str, now: datetime) -> dict[str, str]:  # noqa: ARG002 - it covers nothing
        """Return the header Authorization."""
        return {"Authorization": self._credentials(secret)}

    def _credentials(self, secret: str) -> str:
        return "Basic " + base64.b64encode(secret.encode()).decode()
