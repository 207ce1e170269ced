"""Verify a POST: what was sent and the secrets in, a proof out, or Unauthenticated with the precise reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from receiver.errors import ReceiverError, SecretsUnreadable, Unauthenticated, location
from receiver.security import signing
from receiver.security.keyring import Keyring
from receiver.security.schemes import Scheme, Sent, Token, Verified
from receiver.security.sent_secrets import OWN, in_headers
from receiver.sources import Source, proofs

SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
#: Marks those POSTs of the self test that must be refused, so that they raise no alarm.
SELF_TEST_HEADER = "x-self-test"
#: The ways of saved bodies that were imported: with the handlers off, and to run them.
IMPORTED, IMPORTED_TO_RUN = "import", "import to run"


class Proof(NamedTuple):
    """How a POST was verified."""

    #: ``signature``, which covers all of the body, ``header``, ``field``, or a way of what was imported.
    way: str
    fingerprint: str
    webhook_id: str | None = None
    #: When it was signed, aware UTC.
    webhook_timestamp: datetime | None = None


def authenticate(sent: Sent, source: Source, keyring: Keyring, *, now: datetime, require_signature: bool) -> Proof:
    """Verify a POST (order-post "Authentication"): by the source's own scheme alone, if it has one.

    Otherwise by the secret itself; but once there is any signature header, the signature must be right. Raises
    Unauthenticated, or Unavailable when nobody could have been verified.
    """
    if source.trouble:
        raise proofs.in_trouble()
    if scheme := source.scheme_of_table or source.scheme:
        return _by_scheme(scheme, sent, source, keyring, now, require_signature)
    if source.is_saved and not source.secrets:
        raise Unauthenticated("no_secret_of_source", proofs.without_secrets(source))
    try:
        if not keyring.active:
            raise Unauthenticated("no_secret", "No shared secret is configured here; add one with `flask secret add`.")
        if any(name in sent.headers for name in SIGNATURE_HEADERS):
            return _by_signature(sent, keyring, now)
        if require_signature:
            raise Unauthenticated(
                "signature_required", "REQUIRE_SIGNATURE is on and the signature headers are missing."
            )
        return _by_secret(sent, keyring)
    except Unauthenticated as error:
        if keyring.is_sealed:
            raise SecretsUnreadable from error
        if error.reason == "unknown_secret" and source.secrets:
            detail = f"{error.detail} To {source.name}, only that source's own secrets are active."
            raise Unauthenticated("unknown_secret_of_source", detail) from error
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


def _by_scheme(
    scheme: Scheme, sent: Sent, source: Source, keyring: Keyring, now: datetime, require_signature: bool
) -> Proof:
    """Verify by the scheme of a shop and the source's own secrets; nothing weaker is taken."""
    if not source.secrets:
        raise Unauthenticated("no_secret_of_source", proofs.without_secrets(source))
    if require_signature and not scheme.covers_body:
        raise proofs.not_signed_as_a_whole(source.name)
    try:
        verified = _verified(scheme, sent, list(source.secrets), now)
    except signing.SignatureProblem as problem:
        if problem.reason == "signature_differs":
            for secrets, why in _known_elsewhere(keyring):
                with suppress(signing.SignatureProblem):
                    raise why(_verified(scheme, sent, list(secrets), now).secret) from problem
        raise Unauthenticated(problem.reason, problem.detail) from problem
    is_in_field = isinstance(scheme, Token) and scheme.header is None
    return Proof(
        way="signature" if scheme.covers_body else "field" if is_in_field else "header",
        fingerprint=signing.fingerprint(verified.secret),
        webhook_timestamp=None if verified.timestamp is None else datetime.fromtimestamp(verified.timestamp, UTC),
    )


def _verified(scheme: Scheme, sent: Sent, secrets: list[str], now: datetime) -> Verified:
    """Return what a scheme says; it may be the merchant's own, so whatever it does wrong refuses the POST."""
    try:
        found = scheme.verify(sent, secrets, now)
        if found.secret in secrets:
            return found
    except (signing.SignatureProblem, ReceiverError):
        raise
    except Exception as error:
        raise Unauthenticated("scheme_failed", f"The scheme of this source failed: {location(error)}.") from error
    raise Unauthenticated("scheme_failed", "The scheme of this source named a secret that the source doesn't have.")


def _by_signature(sent: Sent, keyring: Keyring, now: datetime) -> Proof:
    try:
        signed = _verify(sent, list(keyring.active), now)
    except signing.SignatureProblem as problem:
        if problem.reason != "signature_differs":
            raise Unauthenticated(problem.reason, problem.detail) from problem
        raise _why_it_differs(sent, keyring, now) from problem
    return Proof(
        way="signature",
        fingerprint=signing.fingerprint(signed.secret),
        webhook_id=signed.webhook_id,
        webhook_timestamp=datetime.fromtimestamp(signed.timestamp, UTC),
    )


def _verify(sent: Sent, secrets: list[str], now: datetime) -> signing.Signed:
    webhook_id, timestamp, signature = (sent.headers.get(name) for name in SIGNATURE_HEADERS)
    return signing.verify(
        webhook_id=webhook_id, timestamp=timestamp, signature=signature, body=sent.body, secrets=secrets, now=now
    )


def _why_it_differs(sent: Sent, keyring: Keyring, now: datetime) -> Unauthenticated:
    """Tell a retired secret, one of another URL, a changed body and an unknown secret apart, as far as possible."""
    for secrets, why in _known_elsewhere(keyring):
        with suppress(signing.SignatureProblem):
            return why(_verify(sent, list(secrets), now).secret)
    with suppress(ReceiverError):  # nobody may learn whether the body can be decoded before it's verified
        if _first_match(sent, keyring.active):
            return Unauthenticated(
                "body_changed", "The secret in it is active but the signature does not fit: the body was changed."
            )
    return Unauthenticated(
        "unknown_secret",
        "No active secret made this signature: the sender holds another secret, or the body was changed on the way.",
    )


def _by_secret(sent: Sent, keyring: Keyring) -> Proof:
    if match := _first_match(sent, keyring.active):
        way, secret = match
        return Proof(way=way, fingerprint=signing.fingerprint(secret))
    for secrets, why in _known_elsewhere(keyring):
        if match := _first_match(sent, secrets):
            raise why(match[1])
    if OWN in sent.headers:
        raise Unauthenticated("unknown_secret", "The header X-Shared-Secret holds no active secret.")
    raise Unauthenticated("unknown_secret", "No field's value and no header is an active secret.")


def _first_match(sent: Sent, secrets: Mapping[str, bytes]) -> tuple[str, str] | None:
    lengths = set(map(len, secrets.values()))
    for value in in_headers(sent.headers):
        if len(value) in lengths and (secret := signing.equals_any(value, secrets)):
            return "header", secret
    letters = set(map(len, secrets))
    for _, text in sent.fields():
        if len(text) in letters and (secret := signing.equals_any(text.encode(), secrets)):
            return "field", secret
    return None


def _known_elsewhere(keyring: Keyring) -> tuple[tuple[dict[str, bytes], Callable[[str], Unauthenticated]], ...]:
    """Return the secrets that are recognised but verify nothing, each kind with the error to raise for it."""
    return (keyring.retired, _retired), (keyring.elsewhere, _of_another_url)


def _retired(secret: str) -> Unauthenticated:
    mark = signing.fingerprint(secret)
    return Unauthenticated("retired_secret", f"The sender still uses the retired secret {mark}; give it the new one.")


def _of_another_url(secret: str) -> Unauthenticated:
    mark = signing.fingerprint(secret)
    return Unauthenticated("secret_of_another_url", f"The secret {mark} is active, but for another URL than this one.")
