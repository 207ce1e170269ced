"""The account's blueprint: it admits customers, and shows errors as pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from receiver.customers.accounts import Accounts
from receiver.errors import ConfigurationError, NotPossible, NotThere, ReceiverError
from receiver.web import error_pages, kit
from receiver.web.entrance import ACCOUNT

account = Blueprint("account", __name__, url_prefix="/account")
ACCOUNT.add_sign_out(account)


@account.before_request
def check_request() -> ResponseReturnValue | None:
    """Admit signed-in customers, and only from the account's own pages."""
    g.customer = None
    if not kit.account_links.is_on:
        abort(404, "This shop has no customer accounts.")
    g.customer = accounts().who(ACCOUNT.token(), datetime.now(UTC))
    return ACCOUNT.check(is_signed_in=g.customer is not None, sign_in=url_for("account.sign_in"))


@account.after_request
def send_no_referrer(response: Response) -> Response:
    """Send no referrer, because a page's address may be a link that opens an account."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@account.context_processor
def on_every_page() -> dict[str, Any]:
    """Return what every page shows: the shop's name, and who is signed in."""
    return {"shop_name": kit.settings.SHOP_NAME, "customer": g.customer}


def accounts() -> Accounts:
    """Return the current app's accounts."""
    return Accounts(kit.database, kit.account_links, ACCOUNT.sign_ins)


def _page(status: int, title: str, detail: str, _error: Exception) -> Response:
    return make_response(render_template("account/error.html", title=title, detail=detail), status)


_WORDS = {
    CSRFError: ("The page has expired", "Go back, reload the page, then retry."),
    ReceiverError: ("Try again later", "That didn't work just now. Try again in a minute."),
    ConfigurationError: (
        "Try again later",
        "The shop has to fix something first. Try again later, or contact the shop.",
    ),
    NotPossible: ("That can't be done", "Something has changed. Reload the page and look again."),
    NotThere: ("Not found", "We couldn't find that order among yours."),
    Exception: ("Something went wrong", "It's a problem on our side. Try again later."),
}
error_pages.init_blueprint(account, _WORDS, _page)
