"""Errors as application/problem+json (RFC 9457), without a stack trace or any value of the request."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from receiver import errors
from receiver.errors import ConfigurationError, ReceiverError, Unavailable
from receiver.intake.quarantine import QuarantineFull

log = logging.getLogger(__name__)

#: How the type of each problem begins.
TYPE = "urn:order-receiver:problem:"
#: Key that Werkzeug's debugger, used by `flask run --debug`, sets in each request's environment.
_DEBUGGER = "werkzeug.debug.preserve_context"
#: What follows these paths opens an account, or may be a secret in the wrong place, so it isn't logged.
_BEFORE_A_SECRET = ("/account/claim/", "/orders/")


def init_app(app: Flask) -> None:
    """Answer all errors of the app as problems."""
    app.register_error_handler(ReceiverError, _from_receiver)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_bug)


def _from_receiver(error: ReceiverError) -> Response:
    if isinstance(error, Unavailable) and not isinstance(error, QuarantineFull):
        log_failure(error)
    response = _problem(error.status, error.slug, error.title, str(error))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _from_http(error: HTTPException) -> Response:
    return with_headers(_problem(error.code or 500, slug_of(error), error.name, error.description or error.name), error)


def slug_of(error: HTTPException) -> str:
    """Return the last part of the problem type of an error of HTTP's own."""
    return error.name.lower().replace(" ", "-")


def with_headers(response: Response, error: HTTPException) -> Response:
    """Add an error's headers, such as Allow, to a response; those that describe its body stay."""
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def log_failure(error: Exception) -> None:
    """Log where an error came from, or our own words; its own words may hold personal data."""
    log.error("%s %s failed: %s", request.method, _logged_path(), errors.describe_for_log(error))


def log_bug(error: Exception) -> None:
    """Log where a bug is; under Werkzeug's debugger raise it again, so that the debugger shows it."""
    log_failure(error)
    if _DEBUGGER in request.environ:
        raise error


def _logged_path() -> str:
    asked = re.sub("/+", "/", request.path)
    known = next((path for path in _BEFORE_A_SECRET if asked.startswith(path)), None)
    return f"{known}…" if known else quote(request.path, errors="replace")


def log_configuration(error: ConfigurationError) -> None:
    """Log which setting kept a page from working; the words name the setting and no value of the request."""
    log.error("%s %s failed: %s", request.method, _logged_path(), error)


def _from_bug(error: Exception) -> Response:
    log_bug(error)
    return _problem(500, "internal", "Internal error", "Something went wrong in the receiver. Its log says where.")


def _problem(status: int, slug: str, title: str, detail: str) -> Response:
    content = {"type": TYPE + slug, "title": title, "status": status, "detail": detail}
    return Response(json.dumps(content), status, mimetype="application/problem+json")
