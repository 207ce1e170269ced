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
    """Names a failure; all three are empty when there is none."""

    #: One word; failures of one kind are told to the merchant once.
    kind: str
    cause: str
    next_step: str


NO_FAILURE = Diagnosis("", "", "")

_BY_STATUS = {
    400: Diagnosis(
        "status_400",
        "The receiver could not read the order (400).",
        "Try the other encoding, and look into the receiver's log for what it did not understand.",
    ),
    401: Diagnosis(
        "status_401",
        "The receiver does not accept the proof (401): its secret differs, or a clock is off.",
        "Copy this control's secret to the receiver again, and check the clocks of both machines.",
    ),
    403: Diagnosis(
        "status_403",
        "Something before the receiver forbids the POST (403), often a firewall or a login.",
        "Let POSTs to this URL pass without a login, and take its firewall's bot rules off it.",
    ),
    404: Diagnosis(
        "status_404",
        "The host answers, but there is nothing at this path (404).",
        "Compare the path of the URL with the receiver's; it is /orders unless set otherwise.",
    ),
    405: Diagnosis(
        "status_405",
        "The host answers, but takes no POST at this path (405).",
        "Compare the path of the URL with the receiver's; it is /orders unless set otherwise.",
    ),
    408: Diagnosis(
        "status_408",
        "The receiver gave up waiting for the order (408).",
        "Check how busy the receiver is, and the proxy before it.",
    ),
    410: Diagnosis(
        "status_410",
        "The receiver says that it is gone for good (410).",
        "Enter the URL of the new receiver and enable the control again.",
    ),
    413: Diagnosis(
        "status_413",
        "The order is larger than the receiver takes (413).",
        "Raise the body limit of the receiver, and of the proxy before it, to 256 KiB.",
    ),
    415: Diagnosis(
        "status_415",
        "The receiver does not take this encoding (415).",
        "Choose the other encoding, form or JSON.",
    ),
    422: Diagnosis(
        "status_422",
        "The receiver refuses what the order holds (422).",
        "Read its answer; a card number with its security code is the usual reason.",
    ),
    429: Diagnosis(
        "status_429",
        "The receiver asks to be sent less (429).",
        "Nothing to do at first; if it lasts, raise the rate limit for this URL.",
    ),
}
_REDIRECT = Diagnosis(
    "redirect",
    "The host sends the POST to another address (a 3xx redirect), which is never followed.",
    "Enter the final URL, usually with https:// and with or without www.",
)
_SERVER_ERROR = Diagnosis(
    "status_5xx",
    "The receiver, or the proxy before it, failed (a 5xx status).",
    "Look into the receiver's log at this time.",
)
_OTHER_STATUS = Diagnosis(
    "status_other",
    "The receiver answered with a status that no order is answered with.",
    "Check that the URL is the receiver's, and read its answer.",
)
_TIMEOUT = Diagnosis(
    "timeout",
    "The host did not answer in time.",
    "Check that the receiver runs and that a firewall lets the port through; it must answer within 15 s.",
)
_BROKEN = Diagnosis(
    "broken",
    "The connection ended before an answer came, or what came is not HTTP.",
    "Check that the URL's port and http:// or https:// are right, and that the receiver does not crash.",
)


def of_status(status: int) -> Diagnosis:
    """Say what a status means when it is not 2xx."""
    if 200 <= status < 300:
        return NO_FAILURE
    if 300 <= status < 400:
        return _REDIRECT
    if 500 <= status < 600:
        return _SERVER_ERROR
    return _BY_STATUS.get(status, _OTHER_STATUS)


def of_redirect(target: str) -> Diagnosis:
    """Say what a redirect to a URL means; one that no order could be sent to is not repeated."""
    try:
        check_url(target, https_only=False, allow_private=False)
    except ConfigurationError:
        return _REDIRECT
    return replace(_REDIRECT, next_step=f"If the receiver is at {target}, enter that as the URL.")


def of_failure(error: HTTPError | ConfigurationError) -> Diagnosis:
    """Say why no answer came."""
    match error:
        case ConfigurationError() | AddressRefused():
            kind = "address" if isinstance(error, AddressRefused) else "url"
            return Diagnosis(kind, str(error), "Enter the receiver's public URL.")
        case URLSchemeUnknown():
            return Diagnosis("url", "Only https:// is sent to.", "Give the receiver a certificate; use https://.")
        case NameResolutionError() | LocationValueError():
            return Diagnosis(
                "dns",
                "The host's name cannot be found.",
                "Check the spelling of the host in the URL and its DNS entry.",
            )
        case NewConnectionError():
            return Diagnosis(
                "refused",
                "Nothing takes connections at the host's address and port.",
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
                f"The host's certificate is not valid: {failure.verify_message}.",
                "Renew the certificate, for this very host name, and let the server send the whole chain.",
            )
    return Diagnosis(
        "tls",
        "No TLS connection could be made.",
        "Check that the port speaks HTTPS, with TLS 1.2 or newer.",
    )
