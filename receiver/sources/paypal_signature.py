"""How PayPal signs webhooks: https://developer.paypal.com/api/rest/webhooks/rest/."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from receiver.errors import ConfigurationError
from receiver.security.certificates import trusted_key
from receiver.security.fixed_hosts import AskLater, FixedHosts
from receiver.security.schemes import contract
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified

_ID, _TIME, _SIGNATURE, _CERTIFICATE, _ALGORITHM = (
    f"paypal-{name}" for name in ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")
)
_WEBHOOK_ID = re.compile(r"[A-Z0-9]{10,40}")
_PATH = re.compile(r"/v1/notifications/certs/CERT-[A-Za-z0-9-]{1,100}")
#: PayPal sends for 3 days.
_LATELY = timedelta(days=5)
_KEPT_SECONDS, _MOST_KEPT = 24 * 3600.0, 8


@dataclass(frozen=True)
class SignedChecksum(Question):
    """Whether PayPal's certificate, which is fetched from PayPal, signed the time and the checksum of a POST."""

    #: ``paypal.com``, or ``sandbox.paypal.com``.
    zone: str
    #: Keys of certificates that were checked, by URL, each with the end of its day by time.monotonic.
    _keys: dict[str, tuple[float, RSAPublicKey]] = field(default_factory=dict, repr=False, compare=False)

    headers = (_ID, _TIME, _SIGNATURE, _CERTIFICATE, _ALGORITHM)
    #: A CRC-32 is no hash: whoever has one signed POST can make others with its checksum.
    covers_body = False

    @property
    def hosts(self) -> tuple[str, ...]:  # type: ignore[override]  # as it's made
        """The hosts that certificates come from."""
        return f"api.{self.zone}", f"api-m.{self.zone}"

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError for what's no webhook id."""
        if not _WEBHOOK_ID.fullmatch(secret):
            raise ConfigurationError("The webhook id has capital letters and digits alone; copy it again, whole.")

    def keeps(self, body: bytes) -> bytes:
        """Return the checksum, which is all that's signed of the body."""
        return str(binascii.crc32(body)).encode()

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:  # noqa: ARG002 - the id is signed, and not sent
        """Raise SignatureProblem for headers that can't be PayPal's, and for a certificate from elsewhere."""
        for name in self.headers:
            contract.header(sent.headers, name)
        if sent.headers[_ALGORITHM].strip() != "SHA256withRSA":
            raise SignatureProblem("malformed_header", "The header PayPal-Auth-Algo isn't SHA256withRSA.")
        url = sent.headers[_CERTIFICATE].strip()
        paths = [url.removeprefix(f"https://{host}") for host in self.hosts if url.startswith(f"https://{host}/")]
        if not any(map(_PATH.fullmatch, paths)):
            raise SignatureProblem("malformed_header", f"PayPal-Cert-Url leads to no certificate of {self.zone}.")
        _signature(sent)
        if abs(datetime.now(UTC) - _time(sent)) > _LATELY:
            raise SignatureProblem("clock_off", f"The signed time is more than {_LATELY.days} days off.")

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Verify the signature by PayPal's certificate; raises NotConfirmed, and AskLater without one."""
        key = self._key(sent.headers[_CERTIFICATE].strip(), shop)
        begin = f"{sent.headers[_ID].strip()}|{sent.headers[_TIME].strip()}"
        for secret in secrets:
            signed = f"{begin}|{secret}|".encode("latin-1", "replace") + sent.body
            try:
                key.verify(_signature(sent), signed, PKCS1v15(), hashes.SHA256())
            except InvalidSignature:
                continue
            return Confirmed(secret)
        raise NotConfirmed("PayPal's signature fits no webhook id of this source, or the body was changed on the way.")

    def _key(self, url: str, shop: FixedHosts) -> RSAPublicKey:
        until, key = self._keys.get(url, (0.0, None))
        if key is not None and time.monotonic() < until:
            return key
        told = shop.get(url)
        if told.status in (404, 410):
            raise NotConfirmed(f"PayPal has no such certificate ({told.status}).")
        try:
            key = trusted_key(told.body, f"messageverificationcerts.{self.zone}")
        except ValueError as error:
            raise AskLater(str(error)) from error
        while len(self._keys) >= _MOST_KEPT:
            self._keys.pop(next(iter(self._keys)), None)
        self._keys[url] = time.monotonic() + _KEPT_SECONDS, key
        return key


def _signature(sent: Unverified) -> bytes:
    try:
        return base64.b64decode(sent.headers[_SIGNATURE].strip(), validate=True)
    except ValueError as error:
        raise SignatureProblem("malformed_header", "The header PayPal-Transmission-Sig isn't base64.") from error


def _time(sent: Unverified) -> datetime:
    try:
        found = datetime.fromisoformat(sent.headers[_TIME].strip())
    except ValueError as error:
        raise SignatureProblem("malformed_header", "The header PayPal-Transmission-Time isn't a time.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
