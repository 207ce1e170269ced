"""The pages before a customer is signed in: claim the account, sign in, reset the password."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from receiver.customers.account_links import LinkRefused
from receiver.mail import outbox
from receiver.mail.message import Draft, new_message_id
from receiver.orders.email_addresses import normalised
from receiver.security import guesses
from receiver.storage.models import CustomerRow
from receiver.web import kit
from receiver.web.account.blueprint import account, accounts
from receiver.web.answers import next_page, not_taken
from receiver.web.entrance import ACCOUNT, NewPasswordForm

#: Seconds until the form for a link is answered. The work takes far less, and differs with and without an account.
_ANSWER_AFTER = 0.1


class EmailForm(FlaskForm):  # type: ignore[misc]
    """The form for the address to email a link to."""

    email = EmailField("Email", [InputRequired("Enter your email address."), Length(max=254)])


class SignInForm(EmailForm):
    """The sign-in form: email and password."""

    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=1000)])


@account.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign a customer in."""
    if g.customer is not None:
        return redirect(url_for("account.orders"))
    form = SignInForm()
    owner = accounts().owner(form.email.data or "")
    wrong = "Wrong email or password."
    if status := not_taken(form) or ACCOUNT.check_password(owner, form.password, wrong, signs_in=True):
        return render_template("account/sign_in.html", form=form), status
    return ACCOUNT.remember(redirect(url_for("account.orders"), 303), owner)


@account.route("/claim/<token>", methods=["GET", "POST"])
def claim(token: str) -> ResponseReturnValue:
    """Set the password of a link's owner; opening the link changes nothing, since mail filters open it too."""
    form = NewPasswordForm()
    try:
        with kit.database.read() as session:
            owner = kit.account_links.owner(session, token)
        if status := not_taken(form):
            return render_template("account/claim.html", form=form, email=owner.email), status
        sign_in_token = accounts().claim(token, form.new.data, datetime.now(UTC))
    except LinkRefused as error:
        if error.is_used:
            return next_page("account.sign_in", f"{error} Sign in with your password.", "bad")
        return render_template("account/link_refused.html", why=str(error)), 410
    ACCOUNT.start(sign_in_token)
    response = next_page("account.orders", "Your password is set, and you're signed in.")
    return ACCOUNT.remember(response, accounts().owner(owner.email))


@account.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> ResponseReturnValue:
    """Email a link for a new password.

    The answer to an address without an account is the same and takes as long, so nobody learns who has one.
    """
    began = time.monotonic()
    form = EmailForm()
    if status := not_taken(form):
        return render_template("account/forgotten.html", form=form), status
    try:
        _mail_link(form.email.data)
    except guesses.TooManyAttempts as error:
        form.email.errors = [str(error)]
        return render_template("account/forgotten.html", form=form), 429
    time.sleep(max(_ANSWER_AFTER - (time.monotonic() - began), 0))
    return next_page(
        "account.sign_in",
        "If there's an account with this address, we've emailed a link to it. We send at most one an hour, so "
        "check for an earlier email too.",
    )


def _mail_link(email: str) -> None:
    """Put a link into the outbox if one is due; otherwise do the same work, and take the email back."""
    now = datetime.now(UTC)
    made_up = f"{kit.settings.PUBLIC_URL.rstrip('/')}/account/claim/"
    with kit.database.write() as session:
        guesses.count_attempt(session, guesses.ACCOUNT, now, address=request.remote_addr)
        owner = session.scalar(select(CustomerRow).where(CustomerRow.email == normalised(email)))
        url = kit.account_links.fresh(session, owner, now=now) if owner else None
        rendered = kit.templates.render("account_link", url=url or made_up, locale=owner.locale if owner else None)
        draft = Draft(
            message_id=new_message_id(kit.settings.MAIL_DEFAULT_SENDER),
            recipient=owner.email if owner else email,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            reply_to=kit.settings.MERCHANT_EMAIL,
        )
        attempt = session.begin_nested()
        outbox.add(session, draft, now=now)
        session.flush()
        (attempt.commit if url else attempt.rollback)()
