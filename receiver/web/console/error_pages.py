"""The console's errors as pages: what happened, and what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, abort, make_response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import RequestEntityTooLarge

from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.web import error_pages
from receiver.web.console.blueprint import console
from receiver.web.entrance import CONSOLE

#: The forms that take long to fill in, and hold no secret: what was typed into one that is refused is shown again.
_LONG_FORMS = frozenset({"console.order_manager_save", "console.parked_map"})
#: Their hidden fields.
_HIDDEN = frozenset({"csrf_token", "version"})


_WORDS = {
    CSRFError: ("The page has expired", "Nothing was changed. Reload the page, then retry."),
    ReceiverError: ("{0.title}", "{0}"),
    ConfigurationError: ("A setting is wrong", "{0} `flask doctor` tells you more."),
    NotPossible: ("That can't be done", "{0}"),
    NotThere: ("Not Found", "{0}"),
    Exception: ("Internal error", "Something went wrong in the receiver. Its log says where."),
}


@console.route("/<path:unknown>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def no_such_page(unknown: str) -> Response:
    """Answer every address of the console that has no page."""
    abort(404, f"There's no page /admin/{unknown[:100]}.")


def _form_again() -> str:
    """Return the way to the page that the form stood on, by way of the sign-in unless that still goes on."""
    stood_on = urlsplit(request.referrer or "")
    path = f"{stood_on.path}?{stood_on.query}".rstrip("?")
    if stood_on.path == url_for("console.sign_in"):
        return path
    return url_for("console.sign_in", next=path or None)


def _page(status: int, title: str, detail: str, error: Exception) -> Response:
    has_ended = status == 401
    again = _form_again() if has_ended or isinstance(error, CSRFError) else ""
    content = render_template(
        "console/error.html",
        title="Your sign-in has ended" if has_ended else title,
        detail=detail,
        signed_in=bool(CONSOLE.token()) and not has_ended,
        again=again,
        typed=_typed() if again else [],
    )
    return make_response(content, status)


def _typed() -> list[tuple[str, str]]:
    """Return what was typed into a form that was not taken, so that it can be copied into the next."""
    if request.endpoint not in _LONG_FORMS:
        return []
    try:
        typed = list(request.form.items(multi=True))
    except RequestEntityTooLarge:
        return []
    return [(name, value) for name, value in typed if value and name not in _HIDDEN]


error_pages.init_blueprint(console, _WORDS, _page)
