"""Protection that the console and the account pages share: cookies, CSRF, origin, and no redirect to another host."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Request, abort, redirect, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from receiver.app.components import Kit
from receiver.orders.email_addresses import ascii_domain
from receiver.security.sign_ins import SESSION

csrf = CSRFProtect()


def init_app(app: Flask, kit: Kit) -> None:
    """Configure cookies and CSRF from PUBLIC_URL."""
    https = kit.settings.PUBLIC_URL.startswith("https:")
    app.config.update(
        # Browsers take a __Host- cookie only over https and from this very host (RFC 6265bis, 4.1.3.2).
        SESSION_COOKIE_NAME="__Host-receiver" if https else "receiver",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # Entrance.check does it for pages; an order POST has no token
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        WTF_CSRF_SSL_STRICT=False,  # refuse_other_origins does it
    )
    app.session_interface = _SessionsOfPages()
    csrf.init_app(app)
    app.before_request(_stay_on_this_host)


class _SessionsOfPages(SecureCookieSessionInterface):
    """Sessions for pages only: an order POST needs none, and opening one would take as long as decoding the order."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/orders") else super().open_session(app, request)


def _stay_on_this_host() -> Response | None:
    """Redirect to an address with its slash; Werkzeug would redirect to whatever host the request names."""
    moved = request.routing_exception
    if not isinstance(moved, RequestRedirect):
        return None
    parts = urlsplit(moved.new_url)
    return redirect(f"/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else ""), moved.code)


def refuse_other_origins(public_url: str) -> None:
    """Refuse requests from another website's pages (W3C Fetch Metadata; RFC 6454), in addition to the CSRF token."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, "This request came from another website, so it was refused.")
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin"):
        return  # browsers send "null" from a page with no-referrer
    # At an http address, such as while testing, the host is what the browser says; https must match PUBLIC_URL.
    own = {request.host_url.rstrip("/")} if public_url.startswith("http:") else set()
    if origin.lower() not in own | {_origin(public_url)}:
        abort(403, f"This request came from {origin[:100]}, not from PUBLIC_URL ({public_url}), so it was refused.")


def _origin(url: str) -> str:
    """Return a URL's origin as browsers send it (RFC 6454, 6.2): the host in ASCII, and no usual port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else ascii_domain(host) or host
    is_usual = parts.port in {None, {"http": 80, "https": 443}.get(parts.scheme)}
    return f"{parts.scheme}://{host}{'' if is_usual else f':{parts.port}'}"
