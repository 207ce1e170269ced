"""The cookie by which the console knows a device that the administrator has signed in on."""

from __future__ import annotations

from flask import current_app, request
from werkzeug.wrappers import Response as AnyResponse

from receiver.app.components import Kit
from receiver.security.devices import LASTS, Devices
from receiver.security.sign_ins import SignIns

_OWNER = "administrator"


def known_device(kit: Kit) -> str | None:
    """Give the name of the device that this request comes from; None for one that is not known."""
    password_hash = SignIns(kit.database).password_hash()
    if password_hash is None:
        return None
    return _devices(kit).known(request.cookies.get(cookie_name("device")), _OWNER, password_hash)


def remember_device(kit: Kit, response: AnyResponse) -> AnyResponse:
    """Let the device that this response goes to be known from now on."""
    password_hash = SignIns(kit.database).password_hash() or ""
    set_cookie(response, "device", _devices(kit).cookie(_OWNER, password_hash))
    return response


def cookie_name(suffix: str) -> str:
    """Name a cookie as the session's is, so that it is bound to this host in production."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-{suffix}"


def set_cookie(response: AnyResponse, suffix: str, value: str) -> None:
    """Set a device's cookie, kept from scripts and other sites as the session's is."""
    response.set_cookie(
        cookie_name(suffix),
        value,
        max_age=LASTS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _devices(kit: Kit) -> Devices:
    return Devices(kit.settings["SECRET_KEY"], "console")
