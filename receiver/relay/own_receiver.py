"""When the merchant's URL leads to this very receiver: it is given the Order Control's secrets in one step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.orm import Session

from receiver.errors import NotPossible
from receiver.relay.controls import Control, Controls
from receiver.security import signing
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.storage.database import Database

#: Under this name the receiver lists the secrets that the Order Control gave it.
NAME = "order control"

_PORTS = {"http": 80, "https": 443}


class Parts(Protocol):
    """Is what is needed of the kit."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def database(self) -> Database: ...  # noqa: D102
    @property
    def controls(self) -> Controls: ...  # noqa: D102
    @property
    def shared_secrets(self) -> SharedSecrets: ...  # noqa: D102


class OwnReceiver:
    """Is the receiver that runs on this instance, as the place that the Order Control sends to."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def is_at(self, url: str, *also_known_as: str) -> bool:
        """Tell whether a URL leads here: to PUBLIC_URL, or another address this server is known by, and /orders."""
        try:
            return any(is_below(url, base) for base in (self._parts.settings.PUBLIC_URL, *also_known_as))
        except ValueError:  # no URL at all
            return False

    def is_given(self, control: Control) -> bool:
        """Tell whether the receiver takes the newest secret of the control now."""
        with self._parts.database.read() as session:
            return bool(control.secrets) and control.secrets[0].fingerprint in self._known(session)

    def give(self) -> None:
        """Let the receiver take what the control signs with, and end what it no longer signs with; safe to repeat.

        Raises NotPossible while there is no secret.
        """
        controls, shared_secrets = self._parts.controls, self._parts.shared_secrets
        now = datetime.now(UTC)
        ends = {one.fingerprint: one.ends_at for one in controls.read().secrets}
        if not ends:
            raise NotPossible("There's no secret yet. Saving the Order Controls creates one.")
        with self._parts.database.write() as session:
            known = self._known(session)
            for secret in reversed(controls.active_secrets()):
                if (fingerprint := signing.fingerprint(secret)) not in known:
                    shared_secrets.add(session, secret, now=now, name=NAME, ends_at=ends.get(fingerprint))
            for fingerprint, name in known.items():
                if name == NAME and (end := ends.get(fingerprint, now)) is not None:
                    shared_secrets.end(session, fingerprint, at=end)

    def follow(self) -> None:
        """Give the control's secrets after a change of them, if the receiver was given them before."""
        with self._parts.database.read() as session:
            was_given = NAME in self._known(session).values()
        if was_given:
            self.give()

    def _known(self, session: Session) -> dict[str, str]:
        """Give the name of each active secret of the receiver by its fingerprint."""
        rows = self._parts.shared_secrets.listing(session, now=datetime.now(UTC))
        return {row["fingerprint"]: row["name"] for row in rows if row["state"] == "active"}


def is_below(url: str, base: str) -> bool:
    """Tell whether a URL leads to /orders of the receiver at ``base``; raises ValueError for what is no URL."""
    wanted, own = urlsplit(url), urlsplit(base)
    orders = f"{own.path.rstrip('/')}/orders"
    return _place(wanted) == _place(own) and (wanted.path == orders or wanted.path.startswith(f"{orders}/"))


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
