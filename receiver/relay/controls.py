"""The Order Control: whether orders are transmitted, where to and how, and the secrets that sign them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from receiver.errors import ChangedMeanwhile, ConfigurationError, NotPossible
from receiver.relay import control_secrets, control_state
from receiver.security.addresses import check_url
from receiver.storage.database import Database

Encoding = Literal["form", "json"]

#: How long a replaced secret signs along, so that the receiver can be given the new one meanwhile.
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class ControlSecret:
    """One secret that signs now; a replaced one has an end."""

    fingerprint: str
    created_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Control:
    """The current Order Controls; before they are first saved, off and empty."""

    enabled: bool = False
    url: str = ""
    encoding: Encoding = "form"
    sends_secret_field: bool = False
    #: When nothing but failure began; None after a success.
    failing_since: datetime | None = None
    #: Why the relay itself disabled it; None when a person did, or it is enabled.
    disabled_because: str | None = None
    changed_at: datetime | None = None
    #: Those that sign now, newest first.
    secrets: tuple[ControlSecret, ...] = ()

    @property
    def version(self) -> str:
        """What identifies this state of the controls; rotating the secret doesn't change it."""
        return _version(self.changed_at)


class Controls:
    """What reads and saves the Order Controls."""

    def __init__(
        self,
        database: Database,
        *,
        secret_key: str,
        https_only: bool,
        allow_private: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._secret_key = secret_key
        self._https_only = https_only
        self._allow_private = allow_private
        self._now = now

    def read(self) -> Control:
        """Return the control as it stands."""
        with self._database.read() as session:
            row = control_state.read_row(session)
            found = control_secrets.that_sign(session, self._secret_key, self._now())
        secrets = tuple(ControlSecret(one.fingerprint, one.created_at, one.ends_at) for one, _ in found)
        if row is None:
            return Control(secrets=secrets)
        return Control(
            enabled=row.enabled,
            url=row.url,
            encoding=cast("Encoding", row.encoding),
            sends_secret_field=row.sends_secret_field,
            failing_since=row.failing_since,
            disabled_because=row.disabled_because,
            changed_at=row.changed_at,
            secrets=secrets,
        )

    def save(
        self,
        *,
        enabled: bool,
        url: str | None = None,
        encoding: Encoding | None = None,
        sends_secret_field: bool | None = None,
        seen: str | None = None,
    ) -> Control:
        """Change the control and give it as it then is; what is not given stays as it was.

        The first save makes the secret. Enabling sends what was held; disabling holds what is open. Raises, and
        changes nothing: ConfigurationError when the URL cannot be sent to (disabling works with any saved one), and
        ChangedMeanwhile when the control is no longer of the version ``seen``.
        """
        now = self._now()
        with self._database.write() as session:
            before = control_state.read_row(session)
            if seen not in {None, _version(before.changed_at if before else None)}:
                raise ChangedMeanwhile("The Order Controls were changed meanwhile. Check them again, then save.")
            row = control_state.row_for_change(session, now)
            is_new_url = url is not None and url.strip() != row.url
            if url is not None and is_new_url:
                row.url, row.failing_since = url.strip(), None
            row.encoding = encoding or row.encoding
            if sends_secret_field is not None:
                row.sends_secret_field = sends_secret_field
            if enabled or (is_new_url and row.url):
                self._check(row.url)
            if not control_secrets.that_sign(session, self._secret_key, now):
                control_secrets.add_new(session, self._secret_key, now)
            if enabled:
                control_state.enable(session, row, now)
            else:
                control_state.disable(session, row, None, now)
        return self.read()

    def active_secrets(self, now: datetime | None = None) -> list[str]:
        """Return the secrets to sign with, newest first; during a rotation they are two."""
        with self._database.read() as session:
            found = control_secrets.that_sign(session, self._secret_key, now or self._now())
            return [secret for _, secret in found]

    def reveal(self) -> str:
        """Return the newest secret in clear; raises NotPossible when there is none."""
        secrets = self.active_secrets()
        if not secrets:
            raise NotPossible("There's no secret yet. Saving the Order Controls creates one.")
        return secrets[0]

    def rotate(self, overlap: timedelta = OVERLAP) -> str:
        """Make a new secret and give it; the ones before sign along for ``overlap`` at most."""
        with self._database.write() as session:
            return control_secrets.rotate(session, self._secret_key, self._now(), overlap)

    def revoke(self, fingerprint: str) -> None:
        """End a replaced secret now; raises NotPossible for the newest, NotThere for one that does not sign."""
        with self._database.write() as session:
            control_secrets.revoke(session, self._secret_key, self._now(), fingerprint)

    def give_to_receiver(self) -> None:
        """Make this receiver accept the controls' secret, now and after a rotation; safe to repeat.

        Raises NotPossible while there is no secret.
        """
        with self._database.write() as session:
            found = control_secrets.that_sign(session, self._secret_key, self._now())
            if not found:
                raise NotPossible("There's no secret yet. Saving the Order Controls creates one.")
            for row, _ in found:
                row.accepts = True

    def _check(self, url: str) -> None:
        if not url:
            raise NotPossible("Enter the URL to send completed orders to.")
        try:
            check_url(url, https_only=self._https_only, allow_private=self._allow_private)
        except ConfigurationError as error:
            if self._is_good_but_private(url):
                raise ConfigurationError(f"{error} To allow it while testing, set RELAY_ALLOW_PRIVATE.") from None
            raise

    def _is_good_but_private(self, url: str) -> bool:
        try:
            check_url(url, https_only=self._https_only, allow_private=True)
        except ConfigurationError:
            return False
        return not (self._allow_private or self._https_only)


def _version(changed_at: datetime | None) -> str:
    return changed_at.isoformat() if changed_at else ""
