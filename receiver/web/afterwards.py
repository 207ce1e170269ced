"""What's done with every answer once its view is through: the headers of pages, and the rest of the body read."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from receiver.intake.body import MOST_DRAINED

#: Everything comes from this server, nothing is inline, and no page can be framed (CSP Level 3).
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Half a year, in seconds. Without includeSubDomains: the shop's other hosts aren't ours to decide about.
_TRANSPORT_SECURITY = "max-age=15768000"


def init_app(app: Flask, *, https: bool) -> None:
    """Finish each answer of the app; with ``https``, browsers use only that from then on."""

    @app.after_request
    def finish(response: Response) -> Response:
        if request.path.startswith(("/admin", "/account")):
            response.headers.setdefault("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
            response.headers["Cache-Control"] = "no-store"
            response.headers.setdefault("Referrer-Policy", "same-origin")
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault(
            "Cache-Control", "no-store"
        )  # files have their own, and so has what's the same for all
        if request.blueprint != "orders":  # whose view reads the raw body itself, and whose senders aren't browsers
            if https and request.is_secure:  # RFC 6797
                response.headers["Strict-Transport-Security"] = _TRANSPORT_SECURITY
            with suppress(Exception):  # the sender may have gone
                _read_the_rest()
        return response


def _read_the_rest() -> None:
    """Read the rest of a body: otherwise the server closes the connection, which a proxy keeps for the next order."""
    try:
        request.stream.read(MOST_DRAINED)
    except RequestEntityTooLarge:  # the page's own limit; on the connection more may follow
        get_input_stream(request.environ).read(MOST_DRAINED)
