"""The pages of a customer who is signed in: orders, one order, details, consent, password."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import Length

from receiver.app.components import current_kit
from receiver.customers import records
from receiver.errors import NotThere
from receiver.storage import order_queries, pages
from receiver.storage.models import AddressRow, CustomerRow
from receiver.web import paging
from receiver.web.account import entry, writing  # noqa: F401 - entry puts its pages on the blueprint
from receiver.web.account.blueprint import account, accounts, customer
from receiver.web.entrance import ACCOUNT, PasswordForm

#: What a shopper is told of an order; a handler's trouble is the merchant's, not theirs.
WORDS = {"done": "Received", "open": "In progress", "failed": "In progress"}


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
    with current_kit().database.read() as session:
        rows = records.orders_of(session, customer(), states=WORDS, before=oldest)
    shown = [(row, writing.number_of(row), writing.locale_of(row, customer())) for row in rows]
    older = rows[-1].id if len(rows) == pages.SIZE else None
    return render_template("account/orders.html", rows=shown, words=WORDS, older=older, is_first=oldest is None)


@account.get("/orders/<receipt>")
def order(receipt: str) -> ResponseReturnValue:
    """Show one of the customer's orders."""
    with current_kit().database.read() as session:
        row = order_queries.find(session, receipt)
    if row.email != customer().email or row.test or row.state not in WORDS:
        raise NotThere("This order belongs to someone else.")
    return render_template(
        "account/order.html",
        row=row,
        order=writing.content_of(row),
        number=writing.number_of(row),
        locale=writing.locale_of(row, customer()),
        word=WORDS[row.state],
    )


@account.route("/details", methods=["GET", "POST"])
def details() -> ResponseReturnValue:
    """Show and change what is known of the customer."""
    kit = current_kit()
    form = DetailsForm(obj=customer())
    if form.validate_on_submit():
        with kit.database.write() as session:
            row = session.get_one(CustomerRow, customer().id)
            for name in ("first_name", "last_name", "phone"):
                setattr(row, name, " ".join((form[name].data or "").split()) or None)
        flash("Your details were saved.")
        return redirect(url_for("account.details"), 303)
    with kit.database.read() as session:
        theirs = select(AddressRow).where(AddressRow.customer_pk == customer().id).order_by(AddressRow.id)
        addresses = list(session.scalars(theirs))
    return render_template("account/details.html", form=form, addresses=addresses), 422 if form.errors else 200


@account.post("/consent")
def consent() -> ResponseReturnValue:
    """Return or withdraw the consent to news by mail."""
    is_given = request.form.get("news") == "yes"
    with current_kit().database.write() as session:
        row = session.get_one(CustomerRow, customer().id)
        records.set_consent(row, is_given=is_given, at=datetime.now(UTC), source="account page")
    flash("You're subscribed to the newsletter." if is_given else "You're unsubscribed from the newsletter.")
    return redirect(url_for("account.details"), 303)


@account.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change the password; every other sign-in ends with it."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return render_template("account/password.html", form=form), 422 if form.errors else 200
    email = customer().email
    if refused := ACCOUNT.prove(accounts().owner(email), form.current, "The current password is wrong."):
        return render_template("account/password.html", form=form), refused
    ACCOUNT.start(accounts().change(customer().id, form.new.data, datetime.now(UTC)))
    flash("Password changed. Every other device is signed out.")
    return ACCOUNT.remember(redirect(url_for("account.details"), 303), accounts().owner(email))


@account.route("/<path:_unknown>", methods=["GET", "POST"])
def no_such_page(_unknown: str) -> ResponseReturnValue:
    """Answer every address of the account that has no page."""
    abort(404, "There's no such page here.")
