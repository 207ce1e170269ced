"""The Order Control's shared secrets in the database, encrypted: which sign now, add, rotate, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from receiver.errors import NotPossible, NotThere
from receiver.security import encryption, signing
from receiver.storage.relay_models import ControlSecretRow


def that_sign(session: Session, secret_key: str, now: datetime) -> list[tuple[ControlSecretRow, str]]:
    """Read the secrets that sign now, newest first; one that SECRET_KEY no longer opens is passed over."""
    holds = or_(ControlSecretRow.ends_at.is_(None), ControlSecretRow.ends_at > now)
    rows = session.scalars(select(ControlSecretRow).where(holds).order_by(ControlSecretRow.id.desc()))
    found = [(row, encryption.decrypted(secret_key, row.ciphertext)) for row in rows]
    return [(row, secret) for row, secret in found if secret is not None]


def add_new(session: Session, secret_key: str, now: datetime) -> str:
    """Make one more secret, the newest from now on, and give it."""
    secret = signing.new_secret()
    ciphertext = encryption.encrypted(secret_key, secret)
    session.add(ControlSecretRow(ciphertext=ciphertext, fingerprint=signing.fingerprint(secret), created_at=now))
    return secret


def rotate(session: Session, secret_key: str, now: datetime, overlap: timedelta) -> str:
    """Make a new secret and give it; the ones before sign along for ``overlap`` at most."""
    for row, _ in that_sign(session, secret_key, now):
        row.ends_at = min(row.ends_at or now + overlap, now + overlap)
    return add_new(session, secret_key, now)


def revoke(session: Session, secret_key: str, now: datetime, fingerprint: str) -> None:
    """End a replaced secret; raises NotPossible for the newest, NotThere for one that does not sign."""
    newest_first = [row for row, _ in that_sign(session, secret_key, now)]
    if newest_first and newest_first[0].fingerprint == fingerprint:
        raise NotPossible("The newest secret cannot be revoked, for nothing would sign; rotate it instead.")
    row = next((one for one in newest_first if one.fingerprint == fingerprint), None)
    if row is None:
        raise NotThere(f"No secret with the fingerprint {fingerprint[:64]} signs now.")
    row.ends_at = now
