"""Verify a POST: raw request and active secrets in, a proof out, or Unauthenticated with the precise reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from receiver.errors import ReceiverError, SecretsUnreadable, Unauthenticated
from receiver.security import signing
from receiver.security.keyring import Keyring

SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
#: Marks those POSTs of the self test that must be refused, so that they raise no alarm.
SELF_TEST_HEADER = "x-self-test"
#: Headers X-Shared-Secret that are tried: a sender that changes its secret sends the old one and the new one.
_MOST_HEADERS = 4


class Proof(NamedTuple):
    """How a POST was verified."""

    #: ``signature``, ``header`` or ``field``.
    way: str
    fingerprint: str
    webhook_id: str | None = None
    webhook_timestamp: datetime | None = None


def authenticate(
    headers: Mapping[str, str],
    body: bytes,
    values: Callable[[], list[str]],
    keyring: Keyring,
    *,
    now: datetime,
    require_signature: bool,
) -> Proof:
    """Verify a POST (order-post "Authentication"). Once there is any signature header, the signature must be right.

    ``headers`` are by lower-case name; ``values`` decodes the fields' values, and is called only if they must be
    looked at. Raises Unauthenticated, or SecretsUnreadable when nobody could have been verified.
    """
    try:
        if not keyring.active:
            raise Unauthenticated("no_secret", "No shared secret is configured here; add one with `flask secret add`.")
        if any(name in headers for name in SIGNATURE_HEADERS):
            return _by_signature(headers, body, values, keyring, now)
        if require_signature:
            raise Unauthenticated(
                "signature_required", "REQUIRE_SIGNATURE is on and the signature headers are missing."
            )
        return _by_secret(headers, values, keyring)
    except Unauthenticated as error:
        if keyring.is_sealed:
            raise SecretsUnreadable from error
        raise


def self_test_mark(secret: str, webhook_id: str) -> str:
    """Return the self test's header, which verifies nothing else: no body, and a time that's never accepted."""
    return signing.sign([secret], webhook_id=webhook_id, timestamp=0, body=b"")


def is_of_self_test(headers: Mapping[str, str], keyring: Keyring) -> bool:
    """Return whether a POST comes from a self test that's running: nobody else knows its secret."""
    if SELF_TEST_HEADER not in headers:
        return False
    try:
        marks = {one: self_test_mark(one, headers.get("webhook-id", "")).encode() for one in keyring.of_self_test}
    except ValueError:  # a webhook-id that can't be signed
        return False
    return signing.equals_any(headers[SELF_TEST_HEADER].encode(), marks) is not None


def _by_signature(
    headers: Mapping[str, str], body: bytes, values: Callable[[], list[str]], keyring: Keyring, now: datetime
) -> Proof:
    try:
        signed = _verify(headers, body, list(keyring.active), now)
    except signing.SignatureProblem as problem:
        if problem.reason != "signature_differs":
            raise Unauthenticated(problem.reason, problem.detail) from problem
        raise _why_it_differs(headers, body, values, keyring, now) from problem
    return Proof(
        way="signature",
        fingerprint=signing.fingerprint(signed.secret),
        webhook_id=signed.webhook_id,
        webhook_timestamp=datetime.fromtimestamp(signed.timestamp, UTC),
    )


def _verify(headers: Mapping[str, str], body: bytes, secrets: list[str], now: datetime) -> signing.Signed:
    webhook_id, timestamp, signature = (headers.get(name) for name in SIGNATURE_HEADERS)
    return signing.verify(
        webhook_id=webhook_id, timestamp=timestamp, signature=signature, body=body, secrets=secrets, now=now
    )


def _why_it_differs(
    headers: Mapping[str, str], body: bytes, values: Callable[[], list[str]], keyring: Keyring, now: datetime
) -> Unauthenticated:
    """Tell a retired secret, one of another URL, a changed body and an unknown secret apart, as far as possible."""
    for secrets, why in _known_elsewhere(keyring):
        with suppress(signing.SignatureProblem):
            return why(_verify(headers, body, list(secrets), now).secret)
    with suppress(ReceiverError):  # nobody may learn whether the body can be decoded before it's verified
        if _first_match(headers, values, keyring.active):
            return Unauthenticated(
                "body_changed", "The secret in it is active but the signature does not fit: the body was changed."
            )
    return Unauthenticated(
        "unknown_secret",
        "No active secret made this signature: the sender holds another secret, or the body was changed on the way.",
    )


def _by_secret(headers: Mapping[str, str], values: Callable[[], list[str]], keyring: Keyring) -> Proof:
    if match := _first_match(headers, values, keyring.active):
        way, secret = match
        return Proof(way=way, fingerprint=signing.fingerprint(secret))
    for secrets, why in _known_elsewhere(keyring):
        if match := _first_match(headers, values, secrets):
            raise why(match[1])
    if "x-shared-secret" in headers:
        raise Unauthenticated("unknown_secret", "The header X-Shared-Secret holds no active secret.")
    raise Unauthenticated("unknown_secret", "No field's value and no header is an active secret.")


def _first_match(
    headers: Mapping[str, str], values: Callable[[], list[str]], secrets: Mapping[str, bytes]
) -> tuple[str, str] | None:
    for sent in _sent_in_header(headers):
        if secret := signing.equals_any(sent, secrets):
            return "header", secret
    lengths = {len(secret) for secret in secrets}
    for value in values():
        if len(value) in lengths and (secret := signing.equals_any(value.encode(), secrets)):
            return "field", secret
    return None


def _sent_in_header(headers: Mapping[str, str]) -> list[bytes]:
    """Return the header's value, and its parts: a server hands over one that was sent twice as one, with a comma."""
    whole = headers.get("x-shared-secret", "").encode("latin-1", "replace")
    parts = whole.split(b",", _MOST_HEADERS) if b"," in whole else []
    return [whole, *(part.strip() for part in parts[:_MOST_HEADERS])]


def _known_elsewhere(keyring: Keyring) -> tuple[tuple[dict[str, bytes], Callable[[str], Unauthenticated]], ...]:
    """Return the secrets that are recognised but verify nothing, each kind with what's said of it."""
    return (keyring.retired, _retired), (keyring.elsewhere, _of_another_url)


def _retired(secret: str) -> Unauthenticated:
    mark = signing.fingerprint(secret)
    return Unauthenticated("retired_secret", f"The sender still uses the retired secret {mark}; give it the new one.")


def _of_another_url(secret: str) -> Unauthenticated:
    mark = signing.fingerprint(secret)
    return Unauthenticated("secret_of_another_url", f"The secret {mark} is active, but for another URL than this one.")
