"""Customer, Order Manager: the Order Controls, the test transmission and the orders on their way."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, StringField

from receiver.app.components import Kit, current_kit
from receiver.errors import ChangedMeanwhile, ConfigurationError, NotThere
from receiver.relay import own_receiver, queries, report
from receiver.relay.controls import Control
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow
from receiver.web import paging
from receiver.web.console.blueprint import console

#: Key of the fingerprint whose secret the next page shows, once; the secret itself is never in a cookie.
SHOW_ONCE = "show_secret_once"


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
    #: What the form showed, so that nobody's later change is overwritten unseen.
    version = HiddenField()


@console.get("/order-manager")
def order_manager() -> str:
    """Show the Order Controls, closed unless something in them is to be read, and the transmissions."""
    control = current_kit().controls.read()
    return _page(control, OrderControlForm(obj=control))


@console.post("/order-manager")
def order_manager_save() -> ResponseReturnValue:
    """Save the Order Controls; the first save makes the shared secret, which the next page shows."""
    controls = current_kit().controls
    before = controls.read()
    form = OrderControlForm()
    if not form.validate():
        return _page(before, form, is_open=True), 422
    try:
        after = controls.save(
            enabled=form.enabled.data,
            url=form.url.data or "",
            encoding=form.encoding.data,
            sends_secret_field=form.sends_secret_field.data,
            seen=form.version.data,
        )
    except ChangedMeanwhile:
        after = controls.read()
        if not _is_as_asked(after, form):
            form.version.data = after.version
            return _page(after, form, is_open=True, was_changed=True), 409
    except ConfigurationError as error:
        form.url.errors = [str(error)]
        return _page(before, form, is_open=True), 422
    if not before.secrets:
        session[SHOW_ONCE] = after.secrets[0].fingerprint
    state = "Completed orders will be sent to your URL." if after.enabled else "HTTP POST is off, and orders are held."
    flash(f"All Order Control changes saved. {state}")
    return redirect(url_for("console.order_manager"), 303)


@console.post("/order-manager/test")
def order_manager_test() -> ResponseReturnValue:
    """Send the test transmission and show what came of it."""
    try:
        sent = current_kit().transmissions.send_test()
    except ConfigurationError as error:
        flash(str(error), "bad")
        return redirect(url_for("console.order_manager", open="controls"), 303)
    if sent.state == "delivered":
        flash("The test arrived. See the result below.")
    else:
        flash("The test failed. See why below.", "bad")
    return redirect(url_for("console.order_manager", tested=sent.event_id, _anchor="test-result"), 303)


def shown_once(kit: Kit, control: Control) -> dict[str, str] | None:
    """Return the new secret to show, with the command that takes it to a receiver; None when there is none to show."""
    if not control.secrets or session.pop(SHOW_ONCE, None) != control.secrets[0].fingerprint:
        return None
    value = kit.controls.reveal()
    replaced = [f" --replaces {old.fingerprint} --overlap 24h" for old in control.secrets[1:2]]
    return {
        "value": value,
        "fingerprint": control.secrets[0].fingerprint,
        "command": f"flask secret add '{value}'{''.join(replaced)}",
    }


def own_receiver_at(kit: Kit, control: Control) -> dict[str, bool] | None:
    """Return whether this receiver, at the controls' URL, has their secret; None for another receiver."""
    if not own_receiver.is_at(control.url, kit.settings.PUBLIC_URL, request.host_url):
        return None
    return {"is_given": bool(control.secrets) and kit.shared_secrets.is_active(control.secrets[0].fingerprint)}


def _is_as_asked(control: Control, form: OrderControlForm) -> bool:
    """Return whether the controls already match the form, as after pressing its button twice."""
    asked = (form.enabled.data, (form.url.data or "").strip(), form.encoding.data, form.sends_secret_field.data)
    return asked == (control.enabled, control.url, control.encoding, control.sends_secret_field)


def _tested(session: Session) -> TransmissionRow | None:
    """Find the test transmission that the page's address names; one that was purged since is shown no more."""
    try:
        return queries.find(session, request.args.get("tested", ""))
    except NotThere:
        return None


def _page(control: Control, form: OrderControlForm, *, is_open: bool = False, was_changed: bool = False) -> str:
    kit = current_kit()
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
            new_secret=shown_once(kit, control),
            own_receiver=own_receiver_at(kit, control),
            is_open=is_open or bool(tested) or request.args.get("open") == "controls",
            tested=tested,
            transmissions=transmissions,
            pages=pages,
            state=state,
            filters=[(one, url_for("console.order_manager", state=one), one == state) for one in queries.STATES],
        )


@console.app_template_global("report_of")
def _report_of(attempt: TransmissionAttemptRow) -> Any:
    return report.read(attempt.body)


@console.app_template_global("headers_of")
def _headers_of(attempt: TransmissionAttemptRow) -> list[tuple[str, str]]:
    return list(json.loads(attempt.headers_sent).items())
