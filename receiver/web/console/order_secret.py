"""The Order Control's shared secret: reveal it behind the password, rotate, revoke, give it to this receiver."""

from __future__ import annotations

from flask import render_template, session
from flask.typing import ResponseReturnValue

from receiver.app.components import current_kit
from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.security.sign_ins import administrator
from receiver.web.answers import next_page, not_taken
from receiver.web.console.blueprint import console
from receiver.web.console.order_manager import SHOW_ONCE, own_receiver_at, shown_once
from receiver.web.console.sign_in import AdminPasswordForm
from receiver.web.entrance import CONSOLE


@console.route("/order-manager/reveal", methods=["GET", "POST"])
def order_manager_reveal() -> ResponseReturnValue:
    """Show the newest secret in clear to whoever knows the password."""
    kit = current_kit()
    form = AdminPasswordForm()
    control = kit.controls.read()
    if not control.secrets:
        raise NotThere("There's no secret yet. Saving the Order Controls creates one.")
    owner = administrator(kit.database)
    if status := not_taken(form) or CONSOLE.check_password(owner, form.password, "Wrong password."):
        return render_template("console/order_reveal.html", form=form), status
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
    return next_page("console.order_manager", "The new secret signs from now on. The old one signs too for 24 hours.")


@console.post("/order-manager/revoke/<fingerprint>")
def order_manager_revoke(fingerprint: str) -> ResponseReturnValue:
    """End a replaced secret at once."""
    kit = current_kit()
    kit.controls.revoke(fingerprint)
    return next_page("console.order_manager", f"The secret {fingerprint} no longer signs.", open="controls")


@console.post("/order-manager/give")
def order_manager_give() -> ResponseReturnValue:
    """Make this receiver accept the controls' secret."""
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
        return next_page("console.order_manager", str(error), "bad", open="controls")
    return next_page(
        "console.order_manager", "This receiver has the shared secret now. Open Order Controls and send a test."
    )
