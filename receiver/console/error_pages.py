"""The console's errors as pages: what happened, and what to do next."""

from __future__ import annotations

from flask import Response, abort, make_response, render_template, session
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from receiver import problems
from receiver.console.blueprint import console
from receiver.console.guard import TOKEN
from receiver.errors import ConfigurationError, ReceiverError


@console.app_errorhandler(CSRFError)
def _from_csrf(_error: CSRFError) -> Response:
    return _page(
        400, "The page was too old", "Go back, load the page again, then do it once more. Nothing was changed."
    )


@console.errorhandler(HTTPException)
def _from_http(error: HTTPException) -> Response:
    response = _page(error.code or 500, error.name, error.description or "")
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


@console.errorhandler(ReceiverError)
def _from_receiver(error: ReceiverError) -> Response:
    return _page(error.status, error.title, str(error))


@console.errorhandler(ConfigurationError)
def _from_configuration(error: ConfigurationError) -> Response:
    return _page(404, "That cannot be done", str(error))


@console.errorhandler(Exception)
def _from_bug(error: Exception) -> Response:
    problems.log_failure(error)
    return _page(500, "Internal error", "This is a fault of the receiver; its log says where.")


@console.route("/<path:unknown>", methods=["GET", "POST"])
def no_such_page(unknown: str) -> Response:
    """Answer every address of the console that has no page."""
    abort(404, f"The console has no page /admin/{unknown[:100]}. The menu leads to all that there are.")


def _page(status: int, title: str, detail: str) -> Response:
    content = render_template("console/error.html", title=title, detail=detail, signed_in=TOKEN in session)
    return make_response(content, status)
