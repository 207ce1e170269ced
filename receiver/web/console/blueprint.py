"""The console's blueprint: it admits only the administrator."""

from __future__ import annotations

from flask import Blueprint, abort, request, url_for
from flask.typing import ResponseReturnValue

from receiver.app.components import current_kit
from receiver.settings import secret_key
from receiver.web import guard
from receiver.web.entrance import CONSOLE

console = Blueprint("console", __name__, url_prefix="/admin")
CONSOLE.add_sign_out(console)


@console.before_request
def check_request() -> ResponseReturnValue | None:
    """Admit only the administrator, and only from the console's own pages."""
    kit = current_kit()
    if not kit.settings.SECRET_KEY:
        abort(503, secret_key.problem(kit.instance) or "The secret key has changed. Restart the server.")
    guard.refuse_other_origins(kit.settings.PUBLIC_URL)
    sign_in = url_for("console.sign_in", next=request.script_root + request.full_path.rstrip("?"))
    return CONSOLE.check(is_signed_in=CONSOLE.signed_in() is not None, sign_in=sign_in)
