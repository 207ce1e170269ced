"""What went wrong with an attempt and what to do next, in a merchant's words. Pure."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Diagnosis:
    """The kind, cause and fix of a failure; all empty when there is none."""

    #: One word; failures of one kind are told to the merchant once.
    kind: str
    cause: str
    next_step: str


NO_FAILURE = Diagnosis("", "", "")

_BY_STATUS = {
    400: Diagnosis(
        "status_400",
        "The receiver couldn't read the order (400).",
        "Try the other encoding, and check the receiver's log for what it didn't understand.",
    ),
    401: Diagnosis(
        "status_401",
        "The receiver couldn't verify the POST (401): its secret differs, or a clock is off.",
        "Copy this secret to the receiver again, and check the clocks of both machines.",
    ),
    403: Diagnosis(
        "status_403",
        "Something in front of the receiver blocks the POST (403), often a firewall or a login.",
        "Allow POSTs to this URL without a login, and turn off the firewall's bot rules for it.",
    ),
    404: Diagnosis(
        "status_404",
        "The host responds, but there's nothing at this path (404).",
        "Compare the URL's path with the receiver's. It's /orders unless you changed it.",
    ),
    405: Diagnosis(
        "status_405",
        "The host responds, but doesn't accept POST at this path (405).",
        "Compare the URL's path with the receiver's. It's /orders unless you changed it.",
    ),
    408: Diagnosis(
        "status_408",
        "The receiver timed out waiting for the order (408).",
        "Check how busy the receiver is, and the proxy in front of it.",
    ),
    410: Diagnosis(
        "status_410",
        "The receiver says it's gone for good (410).",
        "Enter the new receiver's URL and turn HTTP POST on again.",
    ),
    413: Diagnosis(
        "status_413",
        "The order is larger than the receiver accepts (413).",
        "Raise the body limit of the receiver, and of the proxy in front of it, to 256 KiB.",
    ),
    415: Diagnosis(
        "status_415",
        "The receiver doesn't accept this encoding (415).",
        "Choose the other encoding, form or JSON.",
    ),
    422: Diagnosis(
        "status_422",
        "The receiver refuses the order's contents (422).",
        "Read its response. A card number with its security code is the usual reason.",
    ),
    429: Diagnosis(
        "status_429",
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
_TIMEOUT = Diagnosis(
    "timeout",
    "The host didn't answer in time.",
    "Check that the receiver is running and that firewalls allow the port. It must answer within 15 s.",
)
_BROKEN = Diagnosis(
    "broken",
    "The connection closed before a response arrived, or the response isn't HTTP.",
    "Check the URL's port and http:// or https://, and that the receiver doesn't crash.",
)


def of_status(status: int) -> Diagnosis:
    """Explain a status that isn't 2xx."""
    if 200 <= status < 300:
        return NO_FAILURE
    if 300 <= status < 400:
        return _REDIRECT
    if 500 <= status < 600:
        return _SERVER_ERROR
    return _BY_STATUS.get(status, _OTHER_STATUS)


def of_redirect(target: str) -> Diagnosis:
    """Explain a redirect; its target is named only if an order could be sent there."""
    try:
        check_url(target, https_only=False, allow_private=False)
    except ConfigurationError:
        return _REDIRECT
    return replace(_REDIRECT, next_step=f"If the receiver is at {target}, enter that as the URL.")


def of_failure(error: HTTPError | ConfigurationError) -> Diagnosis:
    """Explain why no answer came."""
    match error:
        case ConfigurationError() | AddressRefused():
            kind = "address" if isinstance(error, AddressRefused) else "url"
            return Diagnosis(kind, str(error), "Enter the receiver's public URL.")
        case URLSchemeUnknown():
            return Diagnosis(
                "url", "Only https:// URLs are allowed.", "Give the receiver a certificate and use https://."
            )
        case NameResolutionError() | LocationValueError():
            return Diagnosis(
                "dns",
                "The host wasn't found.",
                "Check the host's spelling in the URL, and its DNS entry.",
            )
        case NewConnectionError():
            return Diagnosis(
                "refused",
                "Connection refused: nothing is listening on the host's address and port.",
                "Start the receiver, and check the port in the URL.",
            )
        case SSLError():
            return _of_tls_failure(error)
        case RequestTimeout():
            return _TIMEOUT
        case ProtocolError(args=(_, TimeoutError())):
            return _TIMEOUT
    return _BROKEN


def _of_tls_failure(error: SSLError) -> Diagnosis:
    match error.args:
        case (ssl.SSLCertVerificationError() as failure, *_):
            return Diagnosis(
                "certificate",
                f"The host's certificate isn't valid: {failure.verify_message}.",
                "Renew the certificate for exactly this host name, and have the server send the whole chain.",
            )
    return Diagnosis(
        "tls",
        "Couldn't make a TLS connection.",
        "Check that the port serves HTTPS with TLS 1.2 or newer.",
    )
