"""Explain what became of an attempt, in a merchant's words: the outcome, the cause and what to do."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from enum import StrEnum

from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
    URLSchemeUnknown,
)
from urllib3.exceptions import TimeoutError as RequestTimeout

from receiver.errors import ConfigurationError
from receiver.security.addresses import check_url
from receiver.security.http_client import AddressRefused


class Outcome(StrEnum):
    """What an attempt's answer means for the transmission."""

    DELIVERED = "delivered"
    #: 410: the receiver wants no more orders.
    GONE = "gone"
    #: The order itself is refused. Sending it again wouldn't help.
    REJECTED = "rejected"
    RETRY = "retry"


@dataclass(frozen=True)
class Diagnosis:
    """What an attempt led to. Kind, cause and next step are empty if the order was delivered."""

    #: One word. The merchant gets one alert a day about failures of one kind.
    kind: str
    cause: str
    next_step: str
    outcome: Outcome = Outcome.RETRY


_DELIVERED = Diagnosis("", "", "", Outcome.DELIVERED)

_OUTCOMES = {410: Outcome.GONE} | dict.fromkeys((400, 413, 415, 422), Outcome.REJECTED)
_COMPARE_PATH = "Compare the URL's path with the receiver's. It's /orders unless you changed it."
#: Cause and next step.
_BY_STATUS = {
    400: (
        "The receiver couldn't read the order (400).",
        "Try the other encoding, and check the receiver's log for what it didn't understand.",
    ),
    401: (
        "The receiver couldn't verify the POST (401): its secret differs, or a clock is off.",
        "Copy this secret to the receiver again, and check the clocks of both machines.",
    ),
    403: (
        "Something in front of the receiver blocks the POST (403), often a firewall or a login.",
        "Allow POSTs to this URL without a login, and turn off the firewall's bot rules for it.",
    ),
    404: ("The host responds, but there's nothing at this path (404).", _COMPARE_PATH),
    405: ("The host responds, but doesn't accept POST at this path (405).", _COMPARE_PATH),
    408: (
        "The receiver timed out waiting for the order (408).",
        "Check how busy the receiver is, and the proxy in front of it.",
    ),
    410: (
        "The receiver says it's gone for good (410).",
        "Enter the new receiver's URL and turn HTTP POST on again.",
    ),
    413: (
        "The order is larger than the receiver accepts (413).",
        "Raise the body limit of the receiver, and of the proxy in front of it, to 256 KiB.",
    ),
    415: ("The receiver doesn't accept this encoding (415).", "Choose the other encoding, form or JSON."),
    422: (
        "The receiver refuses the order's contents (422).",
        "Read its response. A card number with its security code is the usual reason.",
    ),
    429: (
        "The receiver gets too many requests (429).",
        "Nothing to do at first. If it lasts, raise the rate limit for this URL.",
    ),
}
_REDIRECT = Diagnosis(
    "redirect",
    "The host redirects to another address (3xx). Redirects are never followed.",
    "Enter the final URL, usually with https:// and with or without www.",
)
_SERVER_ERROR = Diagnosis(
    "status_5xx",
    "The receiver, or the proxy in front of it, failed (5xx).",
    "Check the receiver's log at this time.",
)
_OTHER_STATUS = Diagnosis(
    "status_other",
    "The receiver answered with an unexpected status.",
    "Check that the URL is the receiver's, and read its response.",
)
_NOT_FOUND = Diagnosis("dns", "The host wasn't found.", "Check the host's spelling in the URL, and its DNS entry.")
_TIMEOUT = Diagnosis(
    "timeout",
    "The host didn't answer in time.",
    "Check that the receiver is running and that firewalls allow the port. It must answer within 15 s.",
)
#: Why no answer came; the first class that fits counts. A certificate and a URL have causes of their own.
_BY_ERROR: dict[type[Exception], Diagnosis] = {
    URLSchemeUnknown: Diagnosis(
        "url", "Only https:// URLs are allowed.", "Give the receiver a certificate and use https://."
    ),
    NameResolutionError: _NOT_FOUND,
    LocationValueError: _NOT_FOUND,
    NewConnectionError: Diagnosis(
        "refused",
        "Connection refused: nothing is listening on the host's address and port.",
        "Start the receiver, and check the port in the URL.",
    ),
    SSLError: Diagnosis(
        "tls", "Couldn't make a TLS connection.", "Check that the port serves HTTPS with TLS 1.2 or newer."
    ),
    RequestTimeout: _TIMEOUT,
    HTTPError: Diagnosis(
        "broken",
        "The connection closed before a response arrived, or the response isn't HTTP.",
        "Check the URL's port and http:// or https://, and that the receiver doesn't crash.",
    ),
}

NO_SECRET = Diagnosis(
    "secret",
    "No shared secret can be read: SECRET_KEY isn't the one that it was stored under.",
    "Put instance/secret_key back from a backup, or rotate the secret and copy it to the receiver.",
)
NO_FORWARD_SECRET = Diagnosis(
    "secret",
    "FORWARD_SECRET is empty, so nothing signs what handlers forward.",
    "Set FORWARD_SECRET to the secret that the other server checks, and restart.",
)
UNSENDABLE = Diagnosis(
    "order",
    "The order can't be encoded or signed as it was handed over.",
    "Hand it over again as a valid Order with an event_id of visible ASCII without a full stop.",
    Outcome.REJECTED,
)


def unforeseen(error: Exception) -> Diagnosis:
    """Return what an error of our own code means. What it says isn't shown: it may hold personal data."""
    cause = f"It couldn't be sent: {type(error).__name__}."
    return Diagnosis("unforeseen", cause, "Nothing to do at first. If it lasts, report it with this text.")


def of_status(status: int) -> Diagnosis:
    """Return what an answer's status means. An unknown one is retried."""
    if 200 <= status < 300:
        return _DELIVERED
    if status in _BY_STATUS:
        return Diagnosis(f"status_{status}", *_BY_STATUS[status], _OUTCOMES.get(status, Outcome.RETRY))
    return {3: _REDIRECT, 5: _SERVER_ERROR}.get(status // 100, _OTHER_STATUS)


def of_redirect(target: str) -> Diagnosis:
    """Return what a redirect means. Its target is named only if an order could be sent there."""
    try:
        check_url(target, https_only=False, allow_private=False)
    except ConfigurationError:
        return _REDIRECT
    return replace(_REDIRECT, next_step=f"If the receiver is at {target}, enter that as the URL.")


def of_failure(error: HTTPError | ConfigurationError) -> Diagnosis:
    """Return why no answer came."""
    match error:
        case AddressRefused():
            return Diagnosis("address", str(error), "Enter the receiver's public URL.")
        case ConfigurationError():
            return Diagnosis("url", str(error), "Enter the receiver's public URL.")
        case SSLError(args=(ssl.SSLCertVerificationError() as failure, *_)):
            return Diagnosis(
                "certificate",
                f"The host's certificate isn't valid: {failure.verify_message}.",
                "Renew the certificate for exactly this host name, and have the server send the whole chain.",
            )
        case ProtocolError(args=(_, TimeoutError())):  # urllib3 reports a timeout while reading the answer like this
            return _TIMEOUT
    return next(diagnosis for kind, diagnosis in _BY_ERROR.items() if isinstance(error, kind))
