"""The ways in to the console and to the account pages: the token in the session, a known device, who may pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import abort, current_app, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Field, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from receiver.app.components import current_kit
from receiver.security import guesses
from receiver.security.guesses import Limits, TooManyAttempts
from receiver.security.sign_ins import DEVICE_LASTS, SHORTEST_PASSWORD, Owner, SignIns
from receiver.web import guard


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """The way in to one kind of pages; both kinds share the session's cookie."""

    limits: Limits
    #: Key of the sign-in's token in the session cookie.
    key: str
    #: What ends the name of the device's cookie, which begins as the session's does.
    device: str
    #: Endpoints that are shown before sign-in.
    open_to_all: frozenset[str]
    #: What somebody hears whose form came after the sign-in's end.
    ended: str

    @property
    def sign_ins(self) -> SignIns:
        """The sign-ins of this kind."""
        kit = current_kit()
        return SignIns(kit.database, kit.settings.SECRET_KEY.get_secret_value(), self.limits)

    def token(self) -> str:
        """Return the token in this request's cookie, "" without one."""
        token = session.get(self.key)
        return token if isinstance(token, str) else ""

    def check(self, *, is_signed_in: bool, sign_in: str) -> ResponseReturnValue | None:
        """Admit a request that is signed in, or needn't be, with a form from our own pages; None admits it."""
        if request.endpoint not in self.open_to_all and not is_signed_in:
            if request.method not in {"GET", "HEAD"}:
                abort(401, self.ended)
            return redirect(sign_in)
        guard.csrf.protect()
        return None

    def sign_in(self, owner: Owner, field: Field, wrong: str) -> int | None:
        """Sign in by the password typed into a field; return the status of a refusal, None when it is right.

        The field then says why: that it is ``wrong``, or that too much was tried.
        """
        return self._refusal(self.sign_ins.sign_in, owner, field, wrong, self.start)

    def prove(self, owner: Owner, field: Field, wrong: str) -> int | None:
        """Check the password typed into a field of somebody who is signed in; return and say what `sign_in` does."""
        return self._refusal(self.sign_ins.is_password, owner, field, wrong)

    def start(self, token: str) -> None:
        """Begin a new session with this sign-in; of the one before nothing stays."""
        self.leave()
        session.permanent = True
        session[self.key] = token
        g.pop("csrf_token", None)  # that of the session before
        generate_csrf()  # so that pages opened side by side have the same

    def leave(self) -> None:
        """Forget everything of the session that this sign-in was part of; one of the other kind goes on."""
        others = {one.key: session[one.key] for one in (CONSOLE, ACCOUNT) if one is not self and one.key in session}
        session.clear()
        if others:
            session.permanent = True
            session.update(others)

    def end(self) -> None:
        """End this sign-in."""
        self.sign_ins.end(self.token())
        self.leave()

    def end_all(self, customer_pk: int | None = None) -> None:
        """End every sign-in of an owner, this one too."""
        self.sign_ins.end_all(customer_pk)
        self.leave()

    def remember(self, response: AnyResponse, owner: Owner) -> AnyResponse:
        """Remember the device that this response goes to as its owner's."""
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
        """Name the device's cookie as the session's is, so that it is bound to this host in production."""
        return f"{current_app.config['SESSION_COOKIE_NAME']}-{self.device}"

    def _refusal(
        self,
        prove: Callable[..., object],
        owner: Owner,
        field: Field,
        wrong: str,
        use: Callable[[Any], object] = bool,
    ) -> int | None:
        cookie = request.cookies.get(self._cookie_name())
        try:
            proof = prove(owner, field.data, request.remote_addr, datetime.now(UTC), cookie)
        except TooManyAttempts as error:
            field.errors = [str(error)]
            return 429
        if not proof:
            field.errors = [wrong]
            return 422
        use(proof)
        return None


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
