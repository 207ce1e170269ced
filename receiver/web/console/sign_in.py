"""The pages of signing in and out, and of the password."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from receiver.app.components import current_kit
from receiver.app.instance import set_password
from receiver.security.sign_ins import administrator
from receiver.web.console.blueprint import console, is_signed_in
from receiver.web.entrance import CONSOLE, PasswordForm


class SignInForm(FlaskForm):  # type: ignore[misc]
    """The form for the admin password."""

    password = PasswordField("Password", [InputRequired("Enter the admin password.")])


@console.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign the administrator in."""
    wanted = _own_path(request.args.get("next"))
    if is_signed_in():
        return redirect(wanted)
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("console/sign_in.html", form=form), 422 if form.errors else 200
    owner = administrator(current_kit().database)
    wrong = "Wrong password. Forgotten it? Run `flask password` on the server."
    if refused := CONSOLE.sign_in(owner, form.password, wrong):
        return render_template("console/sign_in.html", form=form), refused
    return CONSOLE.remember(redirect(wanted, 303), owner)


@console.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this sign-in."""
    CONSOLE.end()
    flash("You're signed out.")
    return redirect(url_for("console.sign_in"), 303)


@console.post("/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every sign-in, this one too."""
    CONSOLE.end_all()
    flash("You're signed out on every device.")
    return redirect(url_for("console.sign_in"), 303)


@console.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the admin password; every other sign-in ends with it."""
    database = current_kit().database
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("console/password.html", form=form), 422 if form.errors else 200
    if refused := CONSOLE.prove(administrator(database), form.current, "The current password is wrong."):
        return render_template("console/password.html", form=form), refused
    set_password(database, form.new.data)
    with database.write() as writing:
        token = CONSOLE.sign_ins.begin(writing, None, datetime.now(UTC))
    CONSOLE.start(token)
    flash("Password changed. Every other device is signed out.")
    return CONSOLE.remember(redirect(url_for("console.settings"), 303), administrator(database))


def _own_path(path: str | None) -> str:
    """Return a path inside the console to go on to; anything else leads to its first page."""
    home = url_for("console.overview")
    is_own = path is not None and path.startswith(home) and "\\" not in path and not set(path) & set("\r\n\t")
    return path if is_own and path else home
