"""The receiver's shared secrets: which are active now, add, list, revoke. Stored ones are encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from receiver.errors import NotPossible, NotThere
from receiver.security import encryption, signing
from receiver.security.keyring import Keyring, Stored
from receiver.security.secret_strength import refuse_weak
from receiver.storage.columns import milliseconds
from receiver.storage.database import Database
from receiver.storage.models import SecretRow
from receiver.storage.write_lock import ACCEPT_PATIENCE

#: Name of a secret that a self test has made for itself.
SELF_TEST = "selftest"
#: Reads the secrets that are stored for POSTs, on a bare cursor.
SELECT_STORED = "SELECT ciphertext, ends_at, name FROM shared_secrets WHERE accepts ORDER BY id DESC"


class SharedSecrets:
    """The shared secrets of the settings and the database."""

    def __init__(self, database: Database, *, secret_key: str, from_settings: Sequence[str]) -> None:
        self._database = database
        self._from_settings = [signing.clean_secret(secret) for secret in from_settings]
        self._secret_key = secret_key
        self._last_read: Stored = []

    def keyring(self, own: Sequence[str] = (), of_sources: Sequence[str] = ()) -> Keyring:
        """Read the secrets that hold now; a source with secrets of its ``own`` is verified by those alone.

        Those ``of_sources`` verify nothing elsewhere, but are never stored there either.
        """
        with self._database.translated_errors(), closing(self._database.engine.raw_connection()) as connection:
            connection.wait_at_most(ACCEPT_PATIENCE)
            self._last_read = connection.cursor().execute(SELECT_STORED).fetchall()
        return self.last_known(own, of_sources)

    def last_known(self, own: Sequence[str] = (), of_sources: Sequence[str] = ()) -> Keyring:
        """Return the keyring as last read; the caller checks whether its ``stored`` match the database."""
        stored = self._last_read
        now = milliseconds(datetime.now(UTC))
        active = {secret: secret.encode() for secret in self._from_settings}
        retired: dict[str, bytes] = {}
        of_self_test = []
        sealed = False
        for ciphertext, ends_at, name in stored:
            holds = ends_at is None or ends_at > now
            secret = encryption.decrypted(self._secret_key, ciphertext)
            if secret is None:
                sealed = sealed or holds
            else:
                (active if holds else retired).setdefault(secret, secret.encode())
                if holds and name == SELF_TEST:
                    of_self_test.append(secret)
        retired = {secret: raw for secret, raw in retired.items() if secret not in active}
        others = {secret: secret.encode() for secret in of_sources}
        if own:
            mine = {secret: secret.encode() for secret in own}
            return Keyring(mine, retired, elsewhere=others | active, stored=stored)
        return Keyring(
            active,
            retired,
            elsewhere=others,
            of_self_test=tuple(of_self_test),
            is_sealed=sealed and active.keys() <= set(of_self_test),
            stored=stored,
        )

    def add(
        self, session: Session, secret: str, *, now: datetime, name: str = "added", ends_at: datetime | None = None
    ) -> str:
        """Store one more active secret and return its fingerprint.

        One that's about to end gets this end instead. Raises ConfigurationError for an unusable or easily guessed one,
        and for one that's active without an end already.
        """
        secret = signing.clean_secret(secret)
        refuse_weak(secret)
        ciphertext = encryption.encrypted(self._secret_key, secret)
        mark = signing.fingerprint(secret)
        mine = select(SecretRow).where(SecretRow.fingerprint == mark, SecretRow.accepts)
        readable = [row for row in session.scalars(mine) if encryption.decrypted(self._secret_key, row.ciphertext)]
        active = [row for row in readable if row.ends_at is None or row.ends_at > now]
        if secret in self._from_settings or any(row.ends_at is None for row in active):
            raise NotPossible(f"The secret {mark} is already active.")
        if own := [row for row in active if not row.signs]:
            own[0].ends_at = ends_at
            return mark
        session.add(SecretRow(name=name, ciphertext=ciphertext, fingerprint=mark, created_at=now, ends_at=ends_at))
        return mark

    def replace(self, session: Session, fingerprint: str, secret: str, *, now: datetime, overlap: timedelta) -> str:
        """Replace a secret, which stays active for the overlap; return the new one's fingerprint.

        Raises NotPossible when the two are the same.
        """
        if signing.fingerprint(signing.clean_secret(secret)) == fingerprint:
            raise NotPossible(f"The secret {fingerprint} can't replace itself: it's already active.")
        self.end(session, fingerprint, at=now + overlap)
        return self.add(session, secret, now=now)

    def end(self, session: Session, fingerprint: str, *, at: datetime) -> None:
        """End a stored secret at ``at``.

        Raises NotThere when none is active, and NotPossible for one that SHARED_SECRETS holds.
        """
        if fingerprint in {signing.fingerprint(secret) for secret in self._from_settings}:
            raise NotPossible(f"{fingerprint} is in the setting SHARED_SECRETS. Remove it there.")
        mine = select(SecretRow).where(SecretRow.fingerprint == fingerprint, SecretRow.accepts)
        active = [row for row in session.scalars(mine) if row.ends_at is None or row.ends_at > datetime.now(UTC)]
        if not active:
            raise NotThere(f"No active secret has the fingerprint {fingerprint[:64]}. See `flask secret list`.")
        for row in active:
            if row.signs:  # the Order Control goes on signing with it
                row.accepts = False
                row = SecretRow(
                    name=row.name,
                    ciphertext=row.ciphertext,
                    fingerprint=fingerprint,
                    created_at=row.created_at,
                    ends_at=row.ends_at,
                )
                session.add(row)
            row.ends_at = min(row.ends_at or at, at)

    def is_active(self, fingerprint: str) -> bool:
        """Return whether a POST may be verified now by the secret with this fingerprint."""
        return fingerprint in map(signing.fingerprint, self.keyring().active)

    def forget_self_test(self, session: Session, fingerprint: str, *, now: datetime) -> None:
        """Remove a self test's secret, and those of earlier ones that broke off: nobody sends them again."""
        is_over = or_(SecretRow.fingerprint == fingerprint, SecretRow.ends_at <= now)
        session.execute(delete(SecretRow).where(SecretRow.name == SELF_TEST, is_over))

    def listing(self, session: Session, *, now: datetime) -> list[dict[str, Any]]:
        """Describe every secret by its fingerprint: those of the settings, then the stored ones by age."""
        rows: list[dict[str, Any]] = [
            _described(signing.fingerprint(secret), "SHARED_SECRETS", "active", None, None)
            for secret in self._from_settings
        ]
        for row in session.scalars(select(SecretRow).where(SecretRow.accepts).order_by(SecretRow.id)):
            state = "active" if row.ends_at is None or row.ends_at > now else "retired"
            if state == "active" and encryption.decrypted(self._secret_key, row.ciphertext) is None:
                state = "unreadable"
            rows.append(_described(row.fingerprint, row.name, state, row.created_at, row.ends_at))
        return rows


def _described(
    fingerprint: str, name: str, state: str, created_at: datetime | None, ends_at: datetime | None
) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "name": name,
        "state": state,
        "created_at": created_at.isoformat() if created_at else None,
        "ends_at": ends_at.isoformat() if ends_at else None,
    }
