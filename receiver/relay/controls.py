"""The Order Controls: whether orders are sent, where to and how, and the secrets that sign them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from receiver.errors import ChangedMeanwhile, ConfigurationError, NotPossible, NotThere
from receiver.relay import control_state
from receiver.security import encryption, signing
from receiver.security.addresses import check_url
from receiver.storage.clock import utc_now
from receiver.storage.database import Database
from receiver.storage.models import SecretRow

Encoding = Literal["form", "json"]

#: How long a replaced secret signs too, so that there's time to copy the new one to the receiver.
OVERLAP = timedelta(hours=24)
#: What this receiver's list of shared secrets calls those of the Order Controls.
SECRET_NAME = "order control"  # noqa: S105 - a name, no secret

_VALUES_OF_ROW = ConfigDict(frozen=True, from_attributes=True)


class ControlSecret(BaseModel):
    """A secret that signs now. A replaced one has an end."""

    model_config = _VALUES_OF_ROW

    fingerprint: str
    created_at: datetime
    ends_at: datetime | None


class Control(BaseModel):
    """The Order Controls as they are now. Before they're first saved, they're off and empty."""

    model_config = _VALUES_OF_ROW

    enabled: bool = False
    url: str = ""
    encoding: Encoding = "form"
    sends_secret_field: bool = False
    #: Since when every order has failed; None after a success.
    failing_since: datetime | None = None
    #: Why the relay itself disabled them; None if a person did, or if they're enabled.
    disabled_because: str | None = None
    changed_at: datetime | None = None
    #: Those that sign now, newest first.
    secrets: tuple[ControlSecret, ...] = ()

    @property
    def version(self) -> str:
        """What identifies this state of the controls; rotating the secret doesn't change it."""
        return self.changed_at.isoformat() if self.changed_at else ""


class Controls:
    """What reads and saves the Order Controls."""

    def __init__(
        self,
        database: Database,
        *,
        secret_key: str,
        https_only: bool,
        allow_private: bool,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._secret_key = secret_key
        self._https_only = https_only
        self._allow_private = allow_private
        self._now = now

    def read(self) -> Control:
        """Return the controls as they're stored."""
        with self._database.read() as session:
            row = control_state.read_row(session)
            control = Control.model_validate(row) if row else Control()
            secrets = [ControlSecret.model_validate(one) for one, _ in self._signing(session)]
        return control.model_copy(update={"secrets": tuple(secrets)})

    def save(
        self,
        *,
        enabled: bool,
        url: str | None = None,
        encoding: Encoding | None = None,
        sends_secret_field: bool | None = None,
        seen: str | None = None,
    ) -> Control:
        """Change what's given of the controls and return them.

        The first save makes the secret. Enabling sends what was held; disabling holds what isn't sent yet. Raises
        ConfigurationError if nothing can be sent to the URL, though disabling keeps any saved one, and
        ChangedMeanwhile if the controls no longer have the version ``seen``. Nothing is changed then.
        """
        now = self._now()
        with self._database.write() as session:
            row = control_state.read_row(session)
            if seen not in {None, Control.model_validate(row).version if row else ""}:
                raise ChangedMeanwhile("The Order Controls were changed meanwhile. Check them again, then save.")
            row = row or control_state.new_row(session, now)
            new_url = row.url if url is None else url.strip()
            is_new_url = new_url != row.url
            if is_new_url:
                row.url, row.failing_since = new_url, None
            row.encoding = encoding or row.encoding
            if sends_secret_field is not None:
                row.sends_secret_field = sends_secret_field
            if enabled or (is_new_url and row.url):
                self._check(row.url)
            if not self._signing(session):
                self._add_secret(session)
            if enabled:
                control_state.enable(session, row, now)
            else:
                control_state.disable(session, row, None, now)
        return self.read()

    def active_secrets(self, now: datetime | None = None) -> list[str]:
        """Return the secrets to sign with, newest first. During a rotation there are two."""
        with self._database.read() as session:
            return [secret for _, secret in self._signing(session, now)]

    def reveal(self) -> str:
        """Return the newest secret in clear. Raises NotPossible while there's none."""
        with self._database.read() as session:
            return self._existing(session)[0][1]

    def rotate(self, overlap: timedelta = OVERLAP) -> str:
        """Make a new secret and return it. The ones before sign too, for ``overlap`` at most.

        If this receiver accepts the one before, it accepts the new one.
        """
        end = self._now() + overlap
        with self._database.write() as session:
            rows = [row for row, _ in self._signing(session)]
            for row in rows:
                row.ends_at = min(row.ends_at or end, end)
            return self._add_secret(session, accepts=bool(rows) and rows[0].accepts)

    def revoke(self, fingerprint: str) -> None:
        """End a replaced secret now. Raises NotPossible for the newest, NotThere for one that doesn't sign."""
        with self._database.write() as session:
            rows = {row.fingerprint: row for row, _ in self._signing(session)}
            if fingerprint not in rows:
                raise NotThere(f"No secret with the fingerprint {fingerprint[:64]} signs now.")
            if fingerprint == next(iter(rows)):
                raise NotPossible("The newest secret can't be revoked: nothing would sign then. Rotate it instead.")
            rows[fingerprint].ends_at = self._now()

    def give_to_receiver(self) -> None:
        """Make this receiver accept the secrets, and those of later rotations. Raises NotPossible if there's none."""
        with self._database.write() as session:
            for row, _ in self._existing(session):
                row.accepts = True

    def _signing(self, session: Session, now: datetime | None = None) -> list[tuple[SecretRow, str]]:
        """Return the secrets that sign now, newest first. One that SECRET_KEY can't decrypt is left out."""
        is_valid = or_(SecretRow.ends_at.is_(None), SecretRow.ends_at > (now or self._now()))
        rows = session.scalars(select(SecretRow).where(SecretRow.signs, is_valid).order_by(SecretRow.id.desc()))
        found = [(row, encryption.decrypted(self._secret_key, row.ciphertext)) for row in rows]
        return [(row, secret) for row, secret in found if secret is not None]

    def _existing(self, session: Session) -> list[tuple[SecretRow, str]]:
        if found := self._signing(session):
            return found
        raise NotPossible("There's no secret yet. Saving the Order Controls creates one.")

    def _add_secret(self, session: Session, *, accepts: bool = False) -> str:
        secret = signing.new_secret()
        session.add(
            SecretRow(
                name=SECRET_NAME,
                ciphertext=encryption.encrypted(self._secret_key, secret),
                fingerprint=signing.fingerprint(secret),
                created_at=self._now(),
                signs=True,
                accepts=accepts,
            )
        )
        return secret

    def _check(self, url: str) -> None:
        if not url:
            raise NotPossible("Enter the URL to send completed orders to.")
        try:
            check_url(url, https_only=self._https_only, allow_private=self._allow_private)
        except ConfigurationError as error:
            if self._https_only or self._allow_private:
                raise
            check_url(url, https_only=False, allow_private=True)  # it raises if more is wrong than a private address
            raise ConfigurationError(f"{error} To allow it while testing, set RELAY_ALLOW_PRIVATE.") from None
