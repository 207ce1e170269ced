"""What stands before and after every account page: sign-in, CSRF, origin, headers, errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from receiver.app.components import current_kit
from receiver.customers.accounts import Accounts
from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.security.devices import Devices
from receiver.storage.models import CustomerRow
from receiver.web import page_forms, problems
from receiver.web.console.device_cookie import cookie_name, set_cookie
from receiver.web.console.guard import ACCOUNT_TOKEN, csrf, leave_session, refuse_other_origins

account = Blueprint("account", __name__, url_prefix="/account")
#: Key of the sign-in's token in the session cookie.
TOKEN = ACCOUNT_TOKEN
_DEVICE = "account-device"
#: Pages that are shown before sign-in.
OPEN_TO_ALL = frozenset({"account.sign_in", "account.forgotten", "account.claim"})


@account.before_request
def check_request() -> ResponseReturnValue | None:
    """Let customers in to what is theirs, and only from the account's own pages."""
    kit = current_kit()
    g.customer = None
    if not kit.account_links.is_on:
        abort(404, "This shop has no customer accounts.")
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        refuse_other_origins(kit.settings["PUBLIC_URL"])
    token = session.get(TOKEN)
    g.customer = accounts().who(token, datetime.now(UTC)) if isinstance(token, str) else None
    if request.endpoint not in OPEN_TO_ALL and g.customer is None:
        if request.method not in {"GET", "HEAD"}:
            abort(401, "Your session has ended. Sign in again, then retry.")
        return redirect(url_for("account.sign_in"))
    csrf.protect()
    return None


@account.after_request
def send_no_referrer(response: Response) -> Response:
    """Let no other site learn a page's address, which may be a link that opens an account."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@account.context_processor
def on_every_page() -> dict[str, Any]:
    """Give the pages the shop's name and who is signed in."""
    return {"shop_name": current_kit().settings["SHOP_NAME"], "customer": g.customer}


def accounts() -> Accounts:
    """Give the current app's accounts."""
    kit = current_kit()
    return Accounts(kit.database, kit.account_links, Devices(kit.settings["SECRET_KEY"], "account"))


def customer() -> CustomerRow:
    """Give who is signed in."""
    found: CustomerRow = g.customer
    return found


def device_cookie() -> str | None:
    """Give the cookie of the device that this request comes from, whosever it is."""
    return request.cookies.get(cookie_name(_DEVICE))


def remember_device(response: AnyResponse, token: str) -> AnyResponse:
    """Let the device that this response goes to be known to the account of this sign-in."""
    set_cookie(response, _DEVICE, accounts().device_cookie(token, datetime.now(UTC)))
    return response


def start_session(token: str) -> None:
    """Begin a new session with this sign-in; nothing of the one before stays."""
    leave_session(TOKEN)
    session.permanent = True
    session[TOKEN] = token


@account.errorhandler(CSRFError)
def _from_csrf(_error: CSRFError) -> Response:
    return _page(400, "The page has expired", "Go back, reload the page, then retry.")


@account.errorhandler(HTTPException)
def _from_http(error: HTTPException) -> Response:
    return problems.with_headers(_page(error.code or 500, error.name, error.description or ""), error)


@account.errorhandler(RequestEntityTooLarge)
def _from_a_large_form(_error: RequestEntityTooLarge) -> Response:
    return _page(413, "The form is too large", page_forms.too_large(request.endpoint))


@account.errorhandler(ReceiverError)
def _from_receiver(error: ReceiverError) -> Response:
    return _page(error.status, "Try again later", "That didn't work just now. Try again in a minute.")


@account.errorhandler(ConfigurationError)
def _from_configuration(error: ConfigurationError) -> Response:
    problems.log_configuration(error)
    return _page(503, "Try again later", "The shop has to fix something first. Try again later, or contact the shop.")


@account.errorhandler(NotPossible)
def _from_what_cannot_be(_error: NotPossible) -> Response:
    return _page(409, "That can't be done", "Something has changed. Reload the page and look again.")


@account.errorhandler(NotThere)
def _from_what_is_not_there(_error: NotThere) -> Response:
    return _page(404, "Not found", "We couldn't find that order among yours.")


@account.errorhandler(Exception)
def _from_bug(error: Exception) -> Response:
    problems.log_bug(error)
    return _page(500, "Something went wrong", "It's a problem on our side. Try again later.")


def _page(status: int, title: str, detail: str) -> Response:
    return make_response(render_template("account/error.html", title=title, detail=detail), status)
