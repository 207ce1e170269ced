"""The pages of a customer who is signed in: orders, one order, details, newsletter, password."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from flask import Flask, abort, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import Length

from receiver.customers import order_states, records
from receiver.errors import NotThere
from receiver.mail import formatting
from receiver.orders.states import COMPLETED_EVENT
from receiver.storage import later_events, order_queries, pages
from receiver.storage.models import AddressRow, CustomerRow, OrderRow
from receiver.web import kit, paging
from receiver.web.account import entry  # noqa: F401 - puts its pages on the blueprint
from receiver.web.account.blueprint import account, accounts
from receiver.web.answers import next_page, not_taken
from receiver.web.entrance import ACCOUNT, PasswordForm


class DetailsForm(FlaskForm):  # type: ignore[misc]
    """The form for name and phone number."""

    first_name = StringField("First name", [Length(max=200)])
    last_name = StringField("Last name", [Length(max=200)])
    phone = StringField("Phone", [Length(max=50)])


def init_app(app: Flask) -> None:
    """Add the account pages to the app."""
    app.register_blueprint(account)


@account.get("/")
def orders() -> ResponseReturnValue:
    """List a page of the customer's orders."""
    oldest = paging.before()
    with kit.database.read() as session:
        rows = records.orders_of(session, g.customer, completed=True, before=oldest)
        later = later_events.of_orders(session, rows)
    shown = [(row, _number(row), _locale(row), order_states.word(row, later[row.id])) for row in rows]
    older = rows[-1].id if len(rows) == pages.SIZE else None
    return render_template("account/orders.html", rows=shown, older=older, is_first=oldest is None)


@account.get("/orders/<receipt>")
def order(receipt: str) -> ResponseReturnValue:
    """Show one of the customer's orders."""
    with kit.database.read() as session:
        row = order_queries.find(session, receipt)
        later = later_events.of_orders(session, [row])[row.id]
    if row.email != g.customer.email or row.test or row.state not in order_states.WORDS or row.event != COMPLETED_EVENT:
        raise NotThere("This order belongs to someone else.")
    return render_template(
        "account/order.html",
        row=row,
        order=_content(row),
        number=_number(row),
        locale=_locale(row),
        word=order_states.word(row, later),
        refunded=order_states.refunded(later),
    )


@account.route("/details", methods=["GET", "POST"])
def details() -> ResponseReturnValue:
    """Show the customer's details, and change name and phone number."""
    form = DetailsForm(obj=g.customer)
    if status := not_taken(form):
        with kit.database.read() as session:
            theirs = select(AddressRow).where(AddressRow.customer_pk == g.customer.id).order_by(AddressRow.id)
            addresses = list(session.scalars(theirs))
        return render_template("account/details.html", form=form, addresses=addresses), status
    with kit.database.write() as session:
        row = session.get_one(CustomerRow, g.customer.id)
        for name in ("first_name", "last_name", "phone"):
            setattr(row, name, " ".join((form[name].data or "").split()) or None)
        records.note_text(row)
    return next_page("account.details", "Your details were saved.")


@account.post("/consent")
def consent() -> ResponseReturnValue:
    """Subscribe the customer to the newsletter, or unsubscribe them."""
    is_given = request.form.get("news") == "yes"
    with kit.database.write() as session:
        row = session.get_one(CustomerRow, g.customer.id)
        records.set_consent(row, is_given=is_given, at=datetime.now(UTC), source="account page")
    return next_page(
        "account.details",
        "You're subscribed to the newsletter." if is_given else "You're unsubscribed from the newsletter.",
    )


@account.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the password; every other sign-in ends with it."""
    form = PasswordForm()
    owner = accounts().owner(g.customer.email)
    if status := not_taken(form) or ACCOUNT.check_password(owner, form.current, "The current password is wrong."):
        return render_template("account/password.html", form=form), status
    ACCOUNT.start(accounts().change(g.customer.id, form.new.data, datetime.now(UTC)))
    response = next_page("account.details", "Password changed. Every other device is signed out.")
    return ACCOUNT.remember(response, accounts().owner(g.customer.email))


@account.route("/<path:_unknown>", methods=["GET", "POST"])
def no_such_page(_unknown: str) -> ResponseReturnValue:
    """Answer every address of the account that has no page."""
    abort(404, "There's no such page here.")


@account.app_template_filter("day")
def day(when: datetime, locale: Locale) -> Markup:
    """Write the day of an aware moment in the shop's time zone.

    Its language is marked for screen readers, because the page itself is in English.
    """
    written = formatting.date(when, locale, ZoneInfo(kit.settings.TIMEZONE))
    utc = when.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" lang="{}">{}</time>').format(utc, str(locale).replace("_", "-"), written)


def _content(row: OrderRow) -> dict[str, Any]:
    """Return an order's fields; none once they are deleted."""
    content: dict[str, Any] = json.loads(row.order) if row.order else {}
    return content


def _number(row: OrderRow) -> str:
    """Return the number that the customer knows the order by."""
    return str(_content(row).get("order_number") or row.order_id or row.receipt)


def _locale(row: OrderRow) -> Locale:
    """Return the order's locale, or else the customer's, or else DEFAULT_LOCALE."""
    tag = _content(row).get("locale") or g.customer.locale
    return formatting.known_locale(tag, kit.settings.DEFAULT_LOCALE)
