"""The Order Control's shared secret: reveal it behind the password, rotate, revoke, give it to this receiver."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from receiver.app.components import current_kit
from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.security.sign_ins import administrator
from receiver.web.console.blueprint import console
from receiver.web.console.order_manager import SHOW_ONCE, own_receiver_at, shown_once
from receiver.web.entrance import CONSOLE


class RevealForm(FlaskForm):  # type: ignore[misc]
    """The form that asks for the admin password again."""

    password = PasswordField("Password", [InputRequired("Enter the admin password.")])


@console.route("/order-manager/reveal", methods=["GET", "POST"])
def order_manager_reveal() -> ResponseReturnValue:
    """Show the newest secret in clear to whoever knows the password."""
    kit = current_kit()
    form = RevealForm()
    control = kit.controls.read()
    if not control.secrets:
        raise NotThere("There's no secret yet. Saving the Order Controls creates one.")
    if not form.validate_on_submit():
        return render_template("console/order_reveal.html", form=form), 422 if form.errors else 200
    if refused := CONSOLE.prove(administrator(kit.database), form.password, "Wrong password."):
        return render_template("console/order_reveal.html", form=form), refused
    session[SHOW_ONCE] = control.secrets[0].fingerprint
    return render_template(
        "console/order_reveal.html",
        new_secret=shown_once(kit, control),
        own_receiver=own_receiver_at(kit, control),
        is_revealed=True,
    )


@console.post("/order-manager/rotate")
def order_manager_rotate() -> ResponseReturnValue:
    """Make a new secret; the old one signs along for a day."""
    kit = current_kit()
    kit.controls.rotate()
    session[SHOW_ONCE] = kit.controls.read().secrets[0].fingerprint
    flash("The new secret signs from now on. The old one signs too for 24 hours.")
    return redirect(url_for("console.order_manager"), 303)


@console.post("/order-manager/revoke/<fingerprint>")
def order_manager_revoke(fingerprint: str) -> ResponseReturnValue:
    """End a replaced secret at once."""
    kit = current_kit()
    kit.controls.revoke(fingerprint)
    flash(f"The secret {fingerprint} no longer signs.")
    return redirect(url_for("console.order_manager", open="controls"), 303)


@console.post("/order-manager/give")
def order_manager_give() -> ResponseReturnValue:
    """Return the controls' secret to this receiver."""
    kit = current_kit()
    control = kit.controls.read()
    try:
        if control.secrets and own_receiver_at(kit, control) is None:
            raise NotPossible(
                "Your server URL doesn't point to this receiver, so it wasn't given the secret. "
                "Run `flask secret add` on your own server instead."
            )
        kit.controls.give_to_receiver()
    except ConfigurationError as error:
        flash(str(error), "bad")
        return redirect(url_for("console.order_manager", open="controls"), 303)
    flash("This receiver has the shared secret now. Open Order Controls and send a test.")
    return redirect(url_for("console.order_manager"), 303)
