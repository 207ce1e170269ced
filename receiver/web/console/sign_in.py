"""The pages to sign in, and to change the password."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from receiver.app.instance import set_password
from receiver.security.sign_ins import administrator
from receiver.web import kit
from receiver.web.answers import next_page, not_taken
from receiver.web.console.blueprint import console
from receiver.web.entrance import CONSOLE, PasswordForm


class AdminPasswordForm(FlaskForm):  # type: ignore[misc]
    """The form that asks for the admin password."""

    password = PasswordField("Password", [InputRequired("Enter the admin password.")])


@console.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign the administrator in."""
    wanted = _own_path(request.args.get("next"))
    if CONSOLE.signed_in():
        return redirect(wanted)
    form = AdminPasswordForm()
    owner = administrator(kit.database)
    wrong = "Wrong password. Forgotten it? Run `flask password` on the server."
    if status := not_taken(form) or CONSOLE.check_password(owner, form.password, wrong, signs_in=True):
        return render_template("console/sign_in.html", form=form), status
    return CONSOLE.remember(redirect(wanted, 303), owner)


@console.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the admin password; every other sign-in ends with it."""
    database = kit.database
    form = PasswordForm()
    owner = administrator(database)
    if status := not_taken(form) or CONSOLE.check_password(owner, form.current, "The current password is wrong."):
        return render_template("console/password.html", form=form), status
    set_password(database, form.new.data)
    with database.write() as writing:
        token = CONSOLE.sign_ins.begin(writing, None, datetime.now(UTC))
    CONSOLE.start(token)
    response = next_page("console.settings", "Password changed. Every other device is signed out.")
    return CONSOLE.remember(response, administrator(database))


def _own_path(path: str | None) -> str:
    """Return the path if it's inside the console, or else its first page, so that no link leads to another website."""
    home = url_for("console.overview")
    is_own = path is not None and path.startswith(home) and "\\" not in path and not set(path) & set("\r\n\t")
    return path if is_own and path else home
