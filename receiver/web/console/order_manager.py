"""Customer → Order Manager: the Order Controls, their shared secret, the test, and a list of the transmissions."""

from __future__ import annotations

from flask import render_template, request, session
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, StringField

from receiver.errors import ChangedMeanwhile, ConfigurationError, NotPossible, NotThere
from receiver.relay import own_receiver, queries, report
from receiver.relay.controls import Control
from receiver.security import signing
from receiver.security.sign_ins import administrator
from receiver.storage.relay_models import TransmissionRow
from receiver.web import kit, paging
from receiver.web.answers import next_page, not_taken
from receiver.web.console.blueprint import console
from receiver.web.console.sign_in import AdminPasswordForm
from receiver.web.entrance import CONSOLE

#: Key of the fingerprint whose secret the next page shows, once; the secret itself is never in a cookie.
_SHOW_ONCE = "show_secret_once"


console.add_app_template_filter(report.read, "report")


class OrderControlForm(FlaskForm):  # type: ignore[misc]
    """The form of the Order Controls, which check the URL themselves."""

    enabled = BooleanField("Enable HTTP POST of Completed Order Data to Your Own Server URL")
    url = StringField("Your own server URL")
    encoding = RadioField(
        "Encoding",
        choices=[
            SelectChoice("form", "As a form (application/x-www-form-urlencoded)"),
            SelectChoice("json", "As JSON (application/json)"),
        ],
        invalid_choice_message="Choose form or JSON.",
    )
    sends_secret_field = BooleanField("Also send the secret as the field shared_secret")
    #: Of the controls that the form showed, so that it doesn't overwrite a later change unseen.
    version = HiddenField()


@console.get("/order-manager")
def order_manager() -> str:
    """Show the Order Controls, folded unless something in them needs reading, and the transmissions."""
    control = kit.controls.read()
    return _page(control, OrderControlForm(obj=control))


@console.post("/order-manager")
def order_manager_save() -> ResponseReturnValue:
    """Save the Order Controls; the first save makes the shared secret, which the next page shows."""
    before = kit.controls.read()
    form = OrderControlForm()
    if not form.validate():
        return _page(before, form, is_open=True), 422
    asked = {name: form[name].data for name in ("enabled", "encoding", "sends_secret_field")}
    asked["url"] = (form.url.data or "").strip()
    try:
        after = kit.controls.save(**asked, seen=form.version.data)
    except ChangedMeanwhile:
        after = kit.controls.read()
        # They may be as asked already: the button was pressed twice.
        if any(getattr(after, name) != value for name, value in asked.items()):
            form.version.data = after.version
            return _page(after, form, is_open=True, was_changed=True), 409
    except ConfigurationError as error:
        form.url.errors = [str(error)]
        return _page(before, form, is_open=True), 422
    if not before.secrets:
        session[_SHOW_ONCE] = after.secrets[0].fingerprint
    state = "Completed orders will be sent to your URL." if after.enabled else "HTTP POST is off, and orders are held."
    return next_page("console.order_manager", f"All Order Control changes saved. {state}")


@console.post("/order-manager/test")
def order_manager_test() -> ResponseReturnValue:
    """Send the test transmission and show what came of it."""
    try:
        sent = kit.transmissions.send_test()
    except ConfigurationError as error:
        return next_page("console.order_manager", str(error), "bad", open="controls")
    has_arrived = sent.state == "delivered"
    said = ("The test arrived. See the result below.",) if has_arrived else ("The test failed. See why below.", "bad")
    return next_page("console.order_manager", *said, tested=sent.event_id, _anchor="test-result")


@console.route("/order-manager/reveal", methods=["GET", "POST"])
def order_manager_reveal() -> ResponseReturnValue:
    """Show the newest secret in clear to whoever knows the admin password."""
    form = AdminPasswordForm()
    control = kit.controls.read()
    if not control.secrets:
        raise NotThere("There's no secret yet. Saving the Order Controls creates one.")
    owner = administrator(kit.database)
    if status := not_taken(form) or CONSOLE.check_password(owner, form.password, "Wrong password."):
        return render_template("console/order_reveal.html", form=form), status
    session[_SHOW_ONCE] = control.secrets[0].fingerprint
    return render_template(
        "console/order_reveal.html",
        new_secret=_shown_once(control),
        own_receiver=_own_receiver(control),
        is_revealed=True,
    )


@console.post("/order-manager/rotate")
def order_manager_rotate() -> ResponseReturnValue:
    """Create a new secret; the old one signs too for a day."""
    session[_SHOW_ONCE] = signing.fingerprint(kit.controls.rotate())
    message = "The new secret signs from now on. The old one signs too for 24 hours."
    return next_page("console.order_manager", message)


@console.post("/order-manager/revoke/<fingerprint>")
def order_manager_revoke(fingerprint: str) -> ResponseReturnValue:
    """End a replaced secret at once."""
    kit.controls.revoke(fingerprint)
    return next_page("console.order_manager", f"The secret {fingerprint} no longer signs.", open="controls")


@console.post("/order-manager/give")
def order_manager_give() -> ResponseReturnValue:
    """Make this receiver accept the controls' secret."""
    control = kit.controls.read()
    try:
        if control.secrets and _own_receiver(control) is None:
            raise NotPossible(
                "Your server URL doesn't point to this receiver, so it wasn't given the secret. "
                "Run `flask secret add` on your own server instead."
            )
        kit.controls.give_to_receiver()
    except ConfigurationError as error:
        return next_page("console.order_manager", str(error), "bad", open="controls")
    message = "This receiver has the shared secret now. Open Order Controls and send a test."
    return next_page("console.order_manager", message)


def _shown_once(control: Control) -> dict[str, str] | None:
    """Return the new secret to show, with the command that adds it to a receiver; None if there is none to show."""
    if not control.secrets or session.pop(_SHOW_ONCE, None) != control.secrets[0].fingerprint:
        return None
    value = kit.controls.reveal()
    replaced = [f" --replaces {old.fingerprint} --overlap 24h" for old in control.secrets[1:2]]
    return {
        "value": value,
        "fingerprint": control.secrets[0].fingerprint,
        "command": f"flask secret add '{value}'{''.join(replaced)}",
    }


def _own_receiver(control: Control) -> dict[str, bool] | None:
    """Return whether this receiver has the secret, if the controls' URL is its own; None for another receiver."""
    if not own_receiver.is_at(control.url, kit.settings.PUBLIC_URL, request.host_url):
        return None
    return {"is_given": bool(control.secrets) and kit.shared_secrets.is_active(control.secrets[0].fingerprint)}


def _tested(session: Session) -> TransmissionRow | None:
    """Return the test transmission that the page's address names; None without one, and once it's deleted."""
    try:
        return queries.find(session, request.args.get("tested", ""))
    except NotThere:
        return None


def _page(control: Control, form: OrderControlForm, *, is_open: bool = False, was_changed: bool = False) -> str:
    state = paging.filtered("state", queries.STATES)
    with kit.database.read() as reading:
        tested = _tested(reading)
        statement = queries.newest(state=state, before=paging.before())
        transmissions, pages = paging.one_page(reading, statement, state=state)
        return render_template(
            "console/order_manager.html",
            control=control,
            form=form,
            was_changed=was_changed,
            new_secret=_shown_once(control),
            own_receiver=_own_receiver(control),
            is_open=is_open or bool(tested) or request.args.get("open") == "controls",
            tested=tested,
            transmissions=transmissions,
            pages=pages,
            state=state,
            filters=paging.filter_links("state", {"": "all"} | {one: one for one in queries.STATES}),
        )
