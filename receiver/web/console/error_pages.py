"""The console's errors as pages: what happened, and what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, abort, make_response, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.web import page_forms, problems
from receiver.web.console.blueprint import console
from receiver.web.console.guard import TOKEN

#: The forms that take long to fill in, and hold no secret: what was typed into one that is refused is shown again.
_LONG_FORMS = frozenset({"console.order_manager_save", "console.parked_map"})
#: Their hidden fields.
_HIDDEN = frozenset({"csrf_token", "version"})


@console.app_errorhandler(CSRFError)
def _from_csrf(_error: CSRFError) -> Response:
    detail = "Nothing was changed. Reload the page, then retry."
    return _page(400, "The page has expired", detail, again=_form_again())


@console.errorhandler(HTTPException)
def _from_http(error: HTTPException) -> Response:
    if error.code == 401:
        return _page(401, "Your sign-in has ended", error.description or "", again=_form_again())
    return problems.with_headers(_page(error.code or 500, error.name, error.description or ""), error)


@console.errorhandler(RequestEntityTooLarge)
def _from_a_large_form(_error: RequestEntityTooLarge) -> Response:
    return _page(413, "The form is too large", page_forms.too_large(request.endpoint))


@console.errorhandler(ReceiverError)
def _from_receiver(error: ReceiverError) -> Response:
    return _page(error.status, error.title, str(error))


@console.errorhandler(ConfigurationError)
def _from_configuration(error: ConfigurationError) -> Response:
    problems.log_configuration(error)
    return _page(503, "A setting is wrong", f"{error} `flask doctor` tells you more.")


@console.errorhandler(NotPossible)
def _from_what_cannot_be(error: NotPossible) -> Response:
    return _page(409, "That can't be done", str(error))


@console.errorhandler(NotThere)
def _from_what_is_not_there(error: NotThere) -> Response:
    return _page(404, "Not Found", str(error))


@console.errorhandler(Exception)
def _from_bug(error: Exception) -> Response:
    problems.log_bug(error)
    return _page(500, "Internal error", "Something went wrong in the receiver. Its log says where.")


@console.route("/<path:unknown>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def no_such_page(unknown: str) -> Response:
    """Answer every address of the console that has no page."""
    abort(404, f"There's no page /admin/{unknown[:100]}.")


def _form_again() -> str:
    """Give the way to the page that the form stood on, by way of the sign-in unless that still goes on."""
    stood_on = urlsplit(request.referrer or "")
    path = f"{stood_on.path}?{stood_on.query}".rstrip("?")
    if stood_on.path == url_for("console.sign_in"):
        return path
    return url_for("console.sign_in", next=path or None)


def _page(status: int, title: str, detail: str, *, again: str = "") -> Response:
    content = render_template(
        "console/error.html",
        title=title,
        detail=detail,
        signed_in=TOKEN in session and status != 401,
        again=again,
        typed=_typed() if again else [],
    )
    return make_response(content, status)


def _typed() -> list[tuple[str, str]]:
    """Give what was typed into a form that was not taken, so that it can be copied into the next."""
    if request.endpoint not in _LONG_FORMS:
        return []
    try:
        typed = list(request.form.items(multi=True))
    except RequestEntityTooLarge:
        return []
    return [(name, value) for name, value in typed if value and name not in _HIDDEN]
