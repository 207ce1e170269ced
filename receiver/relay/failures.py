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

_COMPARE_PATH = "Compare the URL's path with the receiver's. It's /orders unless you changed it."
#: Cause and next step of each kind of failure. In place of {} is what an error says of itself.
_EXPLANATIONS = {
    "status_400": (
        "The receiver couldn't read the order (400).",
        "Try the other encoding, and check the receiver's log for what it didn't understand.",
    ),
    "status_401": (
        "The receiver couldn't verify the POST (401): its secret differs, or a clock is off.",
        "Copy this secret to the receiver again, and check the clocks of both machines.",
    ),
    "status_403": (
        "Something in front of the receiver blocks the POST (403), often a firewall or a login.",
        "Allow POSTs to this URL without a login, and turn off the firewall's bot rules for it.",
    ),
    "status_404": ("The host responds, but there's nothing at this path (404).", _COMPARE_PATH),
    "status_405": ("The host responds, but doesn't accept POST at this path (405).", _COMPARE_PATH),
    "status_408": (
        "The receiver timed out waiting for the order (408).",
        "Check how busy the receiver is, and the proxy in front of it.",
    ),
    "status_410": (
        "The receiver says it's gone for good (410).",
        "Enter the new receiver's URL and turn HTTP POST on again.",
    ),
    "status_413": (
        "The order is larger than the receiver accepts (413).",
        "Raise the body limit of the receiver, and of the proxy in front of it, to 256 KiB.",
    ),
    "status_415": ("The receiver doesn't accept this encoding (415).", "Choose the other encoding, form or JSON."),
    "status_422": (
        "The receiver refuses the order's contents (422).",
        "Read its response. A card number with its security code is the usual reason.",
    ),
    "status_429": (
        "The receiver gets too many requests (429).",
        "Nothing to do at first. If it lasts, raise the rate limit for this URL.",
    ),
    "status_5xx": (
        "The receiver, or the proxy in front of it, failed (5xx).",
        "Check the receiver's log at this time.",
    ),
    "status_other": (
        "The receiver answered with an unexpected status.",
        "Check that the URL is the receiver's, and read its response.",
    ),
    "redirect": (
        "The host redirects to another address (3xx). Redirects are never followed.",
        "Enter the final URL, usually with https:// and with or without www.",
    ),
    "address": ("{}", "Enter the receiver's public URL."),
    "url": ("{}", "Enter the receiver's public URL."),
    "http": ("Only https:// URLs are allowed.", "Give the receiver a certificate and use https://."),
    "dns": ("The host wasn't found.", "Check the host's spelling in the URL, and its DNS entry."),
    "refused": (
        "Connection refused: nothing is listening on the host's address and port.",
        "Start the receiver, and check the port in the URL.",
    ),
    "certificate": (
        "The host's certificate isn't valid: {}.",
        "Renew the certificate for exactly this host name, and have the server send the whole chain.",
    ),
    "tls": ("Couldn't make a TLS connection.", "Check that the port serves HTTPS with TLS 1.2 or newer."),
    "timeout": (
        "The host didn't answer in time.",
        "Check that the receiver is running and that firewalls allow the port. It must answer within 15 s.",
    ),
    "broken": (
        "The connection closed before a response arrived, or the response isn't HTTP.",
        "Check the URL's port and http:// or https://, and that the receiver doesn't crash.",
    ),
    "secret": (
        "No shared secret can be read: SECRET_KEY isn't the one that it was stored under.",
        "Put instance/secret_key back from a backup, or rotate the secret and copy it to the receiver.",
    ),
    "forward_secret": (
        "FORWARD_SECRET is empty, so nothing signs what handlers forward.",
        "Set FORWARD_SECRET to the secret that the other server checks, and restart.",
    ),
    "order": (
        "The order can't be encoded or signed as it was handed over.",
        "Hand it over again as a valid Order with an event_id of visible ASCII without a full stop.",
    ),
    "unforeseen": ("It couldn't be sent: {}.", "Nothing to do at first. If it lasts, report it with this text."),
}
#: What isn't here is retried.
_OUTCOMES = {
    "status_410": Outcome.GONE,
    **dict.fromkeys(("status_400", "status_413", "status_415", "status_422", "order"), Outcome.REJECTED),
}
#: Why no answer came; the first class that fits counts.
_KINDS: dict[type[Exception], str] = {
    AddressRefused: "address",
    ConfigurationError: "url",
    URLSchemeUnknown: "http",
    NameResolutionError: "dns",
    LocationValueError: "dns",
    NewConnectionError: "refused",
    SSLError: "tls",
    RequestTimeout: "timeout",
    HTTPError: "broken",
}


def of_kind(kind: str, said: object = "") -> Diagnosis:
    """Return the diagnosis of a kind of failure; ``said`` is what the error says of itself."""
    cause, next_step = _EXPLANATIONS[kind]
    return Diagnosis(kind, cause.format(said), next_step, _OUTCOMES.get(kind, Outcome.RETRY))


def of_status(status: int) -> Diagnosis:
    """Return what an answer's status means. An unknown one is retried."""
    if 200 <= status < 300:
        return _DELIVERED
    kind = f"status_{status}"
    if kind not in _EXPLANATIONS:
        kind = {3: "redirect", 5: "status_5xx"}.get(status // 100, "status_other")
    return of_kind(kind)


def of_redirect(target: str) -> Diagnosis:
    """Return what a redirect means. Its target is named only if an order could be sent there."""
    redirect = of_kind("redirect")
    try:
        check_url(target, https_only=False, allow_private=False)
    except ConfigurationError:
        return redirect
    return replace(redirect, next_step=f"If the receiver is at {target}, enter that as the URL.")


def of_failure(error: HTTPError | ConfigurationError) -> Diagnosis:
    """Return why no answer came."""
    match error:
        case SSLError(args=(ssl.SSLCertVerificationError() as failure, *_)):
            return of_kind("certificate", failure.verify_message)
        case ProtocolError(args=(_, TimeoutError())):  # urllib3 reports a timeout while reading the answer like this
            return of_kind("timeout")
    return of_kind(next(kind for error_type, kind in _KINDS.items() if isinstance(error, error_type)), error)
