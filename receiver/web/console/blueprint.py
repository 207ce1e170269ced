"""The console's blueprint: it admits only the administrator, and shows errors as pages that say what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import RequestEntityTooLarge

from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.settings import secret_key
from receiver.web import error_pages, kit
from receiver.web.entrance import CONSOLE

#: Forms that take long to fill in and hold no secret: when one is refused, its page shows again what was typed.
_LONG_FORMS = frozenset({"console.order_manager_save", "console.parked_map", "console.sources_table"})
#: Their hidden fields.
_HIDDEN = frozenset({"csrf_token", "version"})

console = Blueprint("console", __name__, url_prefix="/admin")
CONSOLE.add_sign_out(console)


@console.before_request
def check_request() -> ResponseReturnValue | None:
    """Admit only the administrator, and only from the console's own pages."""
    if not kit.settings.SECRET_KEY:
        abort(503, secret_key.problem(kit.instance) or "The secret key has changed. Restart the server.")
    sign_in = url_for("console.sign_in", next=request.script_root + request.full_path.rstrip("?"))
    return CONSOLE.check(is_signed_in=CONSOLE.signed_in() is not None, sign_in=sign_in)


@console.route("/<path:unknown>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def no_such_page(unknown: str) -> Response:
    """Answer every address of the console that has no page."""
    abort(404, f"There's no page /admin/{unknown[:100]}.")


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


def _form_again() -> str:
    """Return the address of the sign-in page, which leads back to the form; at once for those still signed in."""
    came_from = urlsplit(request.referrer or "")
    path = f"{came_from.path}?{came_from.query}".rstrip("?")
    if came_from.path == url_for("console.sign_in"):
        return path
    return url_for("console.sign_in", next=path or None)


def _typed() -> list[tuple[str, str]]:
    """Return what was typed into a form that was refused, so that it can be copied into the next."""
    if request.endpoint not in _LONG_FORMS:
        return []
    try:
        typed = list(request.form.items(multi=True))
    except RequestEntityTooLarge:
        return []
    return [(name, value) for name, value in typed if value and name not in _HIDDEN]


_WORDS = {
    CSRFError: ("The page has expired", "Nothing was changed. Reload the page, then retry."),
    ReceiverError: ("{0.title}", "{0}"),
    ConfigurationError: ("A setting is wrong", "{0} `flask doctor` tells you more."),
    NotPossible: ("That can't be done", "{0}"),
    NotThere: ("Not Found", "{0}"),
    Exception: ("Internal error", "Something went wrong in the receiver. Its log says where."),
}
error_pages.init_blueprint(console, _WORDS, _page)
