"""The pages of signing in and out, and of the password."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from receiver.app.components import current_kit
from receiver.app.instance import SHORTEST_PASSWORD, set_password
from receiver.security.guesses import TooManyFailures
from receiver.security.sign_ins import SignIns
from receiver.web.console.blueprint import console
from receiver.web.console.device_cookie import known_device, remember_device
from receiver.web.console.guard import TOKEN, is_signed_in, leave_session


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Asks for the admin password."""

    password = PasswordField("Password", [InputRequired("Enter the admin password.")])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """Asks for a new admin password."""

    current = PasswordField("Current password", [InputRequired("Enter the current password.")])
    new = PasswordField(
        "New password",
        [Length(SHORTEST_PASSWORD, 1000, f"Use at least {SHORTEST_PASSWORD} characters. Several words work well.")],
    )
    again = PasswordField("Repeat the new password", [EqualTo("new", "The passwords don't match.")])


@console.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Let the administrator in."""
    kit = current_kit()
    wanted = _own_path(request.args.get("next"))
    if is_signed_in(kit):
        return redirect(wanted)
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("console/sign_in.html", form=form), 422 if form.errors else 200
    try:
        token = SignIns(kit.database).begin(
            form.password.data, request.remote_addr, datetime.now(UTC), known_device(kit)
        )
    except TooManyFailures as error:
        form.password.errors = [str(error)]
        return render_template("console/sign_in.html", form=form), 429
    if token is None:
        form.password.errors = ["Wrong password. Forgotten it? Run `flask password` on the server."]
        return render_template("console/sign_in.html", form=form), 422
    _start_session(token)
    return remember_device(kit, redirect(wanted, 303))


@console.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this sign-in."""
    SignIns(current_kit().database).end(session[TOKEN])
    leave_session(TOKEN)
    flash("You're signed out.")
    return redirect(url_for("console.sign_in"), 303)


@console.post("/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every sign-in, this one too."""
    SignIns(current_kit().database).end_all()
    leave_session(TOKEN)
    flash("You're signed out on every device.")
    return redirect(url_for("console.sign_in"), 303)


@console.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the admin password; every other sign-in ends with it."""
    kit = current_kit()
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("console/password.html", form=form), 422 if form.errors else 200
    sign_ins = SignIns(kit.database)
    now = datetime.now(UTC)
    try:
        is_password = sign_ins.is_password(form.current.data, request.remote_addr, now, known_device(kit))
    except TooManyFailures as error:
        form.current.errors = [str(error)]
        return render_template("console/password.html", form=form), 429
    if not is_password:
        form.current.errors = ["The current password is wrong."]
        return render_template("console/password.html", form=form), 422
    set_password(kit.database, form.new.data)
    _start_session(sign_ins.begin_known(now))
    flash("Password changed. Every other device is signed out.")
    return remember_device(kit, redirect(url_for("console.settings"), 303))


def _start_session(token: str) -> None:
    leave_session(TOKEN)
    session.permanent = True
    session[TOKEN] = token
    g.pop("csrf_token", None)  # that of the session before
    generate_csrf()  # so that pages opened side by side have the same


def _own_path(path: str | None) -> str:
    """Give a path inside the console to go on to; anything else leads to its first page."""
    home = url_for("console.overview")
    is_own = path is not None and path.startswith(home) and "\\" not in path and not set(path) & set("\r\n\t")
    return path if is_own and path else home
