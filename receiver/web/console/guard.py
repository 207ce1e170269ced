"""What stands before and after every page of the console: sign-in, CSRF, origin, headers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from receiver.app.components import Kit, current_kit
from receiver.security.sign_ins import SESSION, SignIns
from receiver.settings import secret_key
from receiver.web.console.blueprint import console

#: Key of the sign-in's token in the session cookie.
TOKEN = "token"  # noqa: S105 - a name, not a token
#: Key of a customer's, which is in the same cookie.
ACCOUNT_TOKEN = "account"  # noqa: S105 - a name, not a token
#: Pages that are shown before sign-in.
OPEN_TO_ALL = frozenset({"console.sign_in"})
#: Everything comes from this server, nothing is inline, nobody frames it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: Half a year, and this host alone: what else the shop's domain serves is not ours to decide.
TRANSPORT_SECURITY = "max-age=15768000"

csrf = CSRFProtect()


def init_app(app: Flask, kit: Kit) -> None:
    """Configure cookies and CSRF from PUBLIC_URL, and set the headers of all pages' answers."""
    https = kit.settings["PUBLIC_URL"].startswith("https:")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-receiver" if https else "receiver",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # the console's own requests are checked below; an order POST never
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        WTF_CSRF_SSL_STRICT=False,  # refuse_other_origins does it
    )
    app.session_interface = _SessionsOfPages()
    csrf.init_app(app)
    app.after_request(_set_headers)
    if https:
        app.after_request(_set_transport_security)


class _SessionsOfPages(SecureCookieSessionInterface):
    """Opens no session for an order POST: nobody has signed in there, and to open one takes as long as to decode it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/orders") else super().open_session(app, request)


@console.before_request
def check_request() -> ResponseReturnValue | None:
    """Let only the administrator in, and only from the console's own pages."""
    kit = current_kit()
    if not kit.settings["SECRET_KEY"]:
        abort(503, secret_key.problem(kit.instance) or "The secret key has changed. Restart the server.")
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        refuse_other_origins(kit.settings["PUBLIC_URL"])
    if request.endpoint not in OPEN_TO_ALL and not is_signed_in(kit):
        if request.method not in {"GET", "HEAD"}:
            abort(401, "Nothing was changed. Sign in again, then retry.")
        return redirect(url_for("console.sign_in", next=request.script_root + request.full_path.rstrip("?")))
    csrf.protect()
    return None


def is_signed_in(kit: Kit) -> bool:
    """Tell whether this request's cookie belongs to a sign-in that goes on."""
    token = session.get(TOKEN)
    return isinstance(token, str) and SignIns(kit.database).is_alive(token, datetime.now(UTC))


def leave_session(key: str) -> None:
    """Forget everything of the session that a sign-in of this key was part of; the other sign-in goes on."""
    (other,) = {TOKEN, ACCOUNT_TOKEN} - {key}
    token = session.get(other)
    session.clear()
    if token:
        session.permanent = True
        session[other] = token


def refuse_other_origins(public_url: str) -> None:
    """Refuse what another site's page sends (Fetch Metadata; RFC 6454); the CSRF token is the other lock."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, "This request came from another website, so it was refused.")
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin"):
        return  # "null" is what a browser sends from a page with no-referrer
    own = {request.host_url.rstrip("/")} if public_url.startswith("http:") else set()
    own.add("{0.scheme}://{0.netloc}".format(urlsplit(public_url)))
    if origin.lower() not in own:
        abort(403, f"This request came from {origin[:100]}, not from PUBLIC_URL ({public_url}), so it was refused.")


def _set_headers(response: Response) -> Response:
    if request.path.startswith(("/admin", "/account")):
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def _set_transport_security(response: Response) -> Response:
    """Let browsers ask for https alone from now on (RFC 6797); a sender of orders is no browser."""
    if request.is_secure and request.blueprint != "orders":
        response.headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
    return response
