"""Make and sign what a source's shop would send, with the source's own secret."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from receiver.errors import ConfigurationError, NotPossible, location
from receiver.orders import decode, encode_form
from receiver.orders.sample import dummy_order
from receiver.security import signing
from receiver.security.schemes import PublicKeySignature, Scheme, Sent
from receiver.sources.sample import FORM
from receiver.sources.source import Source

_MOST_FIELDS = 1_000
#: Of a sample's number, so that no two are alike.
_NUMBERS = 10**12


class Signed(NamedTuple):
    """A POST that the source's shop might have sent."""

    headers: Mapping[str, str]
    body: bytes
    #: The fingerprint of the secret that signed it.
    fingerprint: str


def why_not(source: Source, *, has_shared_secrets: bool) -> str:
    """Return why no sample of a source can be made; empty when one can."""
    scheme = source.scheme_of_table or source.scheme
    if source.asks:
        return "Its shop is asked about each POST and would know nothing of a sample, so send a test from there."
    if isinstance(scheme, PublicKeySignature):
        return "Only the shop has the key that signs what it sends, so no sample can be made here."
    if not source.secrets and (scheme or source.is_saved or not has_shared_secrets):
        return "There's no secret to sign a sample with."
    if source.sample is None and (source.from_file or source.saved or source.rules):
        return "There's no sample of this kind; send a test from the shop."
    return ""


def signed(source: Source, url: str, *, shared: str, now: datetime) -> Signed:
    """Return a sample of a source, signed ``now`` (aware UTC) for the address that its shop posts to.

    ``shared`` signs where the source has no secret of its own. Raises NotPossible when its scheme can't sign.
    """
    secret, scheme = next(iter(source.secrets), shared), source.scheme_of_table or source.scheme
    if source.sample is None:
        body, headers = encode_form(dummy_order(now=now, nonce=secrets.token_hex(8))), {"Content-Type": FORM}
    else:
        number = secrets.randbelow(_NUMBERS - 1) + 1
        body = source.finished(source.sample.encoded(secret=secret, number=number, now=now), secret)
        headers = {"Content-Type": source.sample.content_type, **source.sample.headers}
    proof = _by_secret(body, secret, now) if scheme is None else _by(scheme, headers, body, url, secret, now)
    return Signed({**headers, **proof}, body, signing.fingerprint(secret))


def _by(
    scheme: Scheme, headers: Mapping[str, str], body: bytes, url: str, secret: str, now: datetime
) -> Mapping[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    sent = Sent(lower, body, url, lambda: decode(body, headers["Content-Type"], _MOST_FIELDS).fields)
    try:
        return scheme.sign(sent, secret, now)
    except ConfigurationError:
        raise
    except Exception as error:  # the scheme may be the merchant's own
        raise NotPossible(f"The scheme of this source can't sign a sample: {location(error)}.") from error


def _by_secret(body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    """Return the headers of a Standard Webhooks signature."""
    webhook_id, timestamp = f"sample_{secrets.token_hex(8)}", int(now.astimezone(UTC).timestamp())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.sign([secret], webhook_id=webhook_id, timestamp=timestamp, body=body),
    }
