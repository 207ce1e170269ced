"""The ways in to the console and to the account pages, and out: sessions, passwords, known devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, abort, current_app, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Field, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from receiver.security import guesses
from receiver.security.guesses import Limits, TooManyAttempts
from receiver.security.sign_ins import DEVICE_LASTS, SHORTEST_PASSWORD, Owner, SignIns
from receiver.storage.account_models import SignInRow
from receiver.web import guard, kit
from receiver.web.answers import next_page


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """The way in to one kind of pages; both kinds share the session's cookie."""

    limits: Limits
    #: Key of the sign-in's token in the session cookie.
    key: str
    #: End of the name of the device's cookie, which starts with the name of the session's cookie.
    device: str
    #: Endpoints that are shown before sign-in.
    open_to_all: frozenset[str]
    #: The message for somebody whose form came after the sign-in ended.
    ended: str

    @property
    def sign_ins(self) -> SignIns:
        """The sign-ins of this kind."""
        return SignIns(kit.database, kit.settings.SECRET_KEY.get_secret_value(), self.limits)

    def token(self) -> str:
        """Return the token in this request's cookie, "" without one."""
        token = session.get(self.key)
        return token if isinstance(token, str) else ""

    def signed_in(self) -> SignInRow | None:
        """Return the sign-in that this request's cookie belongs to; None without one, and once it has ended."""
        with kit.database.read() as reading:
            return self.sign_ins.find(reading, self.token(), datetime.now(UTC))

    def check(self, *, is_signed_in: bool, sign_in: str) -> ResponseReturnValue | None:
        """Return None to admit a request that is signed in, or needn't be; otherwise the way to sign in.

        A request that changes something must come from a form of our own pages: raises Forbidden for another website,
        Unauthorized after the sign-in ended, and CSRFError without that form's token.
        """
        guard.refuse_other_origins(kit.settings.PUBLIC_URL)
        if request.endpoint not in self.open_to_all and not is_signed_in:
            if request.method not in {"GET", "HEAD"}:
                abort(401, self.ended)
            return redirect(sign_in)
        guard.csrf.protect()
        return None

    def check_password(self, owner: Owner, field: Field, wrong: str, *, signs_in: bool = False) -> int | None:
        """Check the password typed into a field; return the status of a refusal, None when it's right.

        The field then says why: that it's ``wrong``, or that there were too many attempts. With ``signs_in`` the
        right password begins a new session.
        """
        check = self.sign_ins.sign_in if signs_in else self.sign_ins.is_password
        cookie = request.cookies.get(self._cookie_name())
        try:
            found = check(owner, field.data, request.remote_addr, datetime.now(UTC), cookie)
        except TooManyAttempts as error:
            field.errors = [str(error)]
            return 429
        if not found:
            field.errors = [wrong]
            return 422
        if isinstance(found, str):
            self.start(found)
        return None

    def start(self, token: str) -> None:
        """Begin a new session with this sign-in; nothing of the one before stays."""
        self.leave()
        session.permanent = True
        session[self.key] = token
        g.pop("csrf_token", None)  # it belongs to the session before
        generate_csrf()  # now, so that two pages that are opened at once share the token

    def leave(self) -> None:
        """Forget the session that this sign-in was part of; a sign-in of the other kind goes on."""
        others = {one.key: session[one.key] for one in (CONSOLE, ACCOUNT) if one is not self and one.key in session}
        session.clear()
        if others:
            session.permanent = True
            session.update(others)

    def add_sign_out(self, blueprint: Blueprint) -> None:
        """Add to a blueprint the two pages that sign out, from this device and from every device."""
        sign_in = f"{blueprint.name}.sign_in"

        @blueprint.post("/sign-out")
        def sign_out() -> ResponseReturnValue:
            self.sign_ins.end(self.token())
            self.leave()
            return next_page(sign_in, "You're signed out.")

        @blueprint.post("/sign-out-everywhere")
        def sign_out_everywhere() -> ResponseReturnValue:
            row = self.signed_in()
            self.sign_ins.end_all(row.customer_pk if row else None)
            self.leave()
            return next_page(sign_in, "You're signed out on every device.")

    def remember(self, response: AnyResponse, owner: Owner) -> AnyResponse:
        """Remember the device as its owner's, so that strangers who guess passwords don't lock it out."""
        response.set_cookie(
            self._cookie_name(),
            self.sign_ins.device_cookie(owner),
            max_age=DEVICE_LASTS,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response

    def _cookie_name(self) -> str:
        """Return the name of the device's cookie; with the session's prefix it's bound to this host in production."""
        return f"{current_app.config['SESSION_COOKIE_NAME']}-{self.device}"


CONSOLE = Entrance(
    limits=guesses.CONSOLE,
    key="token",
    device="device",
    open_to_all=frozenset({"console.sign_in"}),
    ended="Nothing was changed. Sign in again, then retry.",
)
ACCOUNT = Entrance(
    limits=guesses.ACCOUNT,
    key="account",
    device="account-device",
    open_to_all=frozenset({"account.sign_in", "account.forgotten", "account.claim"}),
    ended="Your session has ended. Sign in again, then retry.",
)


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """The form for a new password."""

    new = PasswordField(
        "New password",
        [Length(SHORTEST_PASSWORD, 1000, f"Use at least {SHORTEST_PASSWORD} characters. Several words work well.")],
    )
    again = PasswordField("Repeat the new password", [EqualTo("new", "The passwords don't match.")])


class PasswordForm(NewPasswordForm):
    """The form for the current password and a new one."""

    current = PasswordField("Current password", [InputRequired("Enter the current password.")])
