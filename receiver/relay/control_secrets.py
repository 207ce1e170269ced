"""The shared secrets that the Order Control signs with: which sign now, add, rotate, revoke, give to this receiver."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from receiver.errors import NotPossible, NotThere
from receiver.security import encryption, signing
from receiver.storage.models import SecretRow

#: Under this name the receiver lists the secrets that the Order Control gave it.
NAME = "order control"


def that_sign(session: Session, secret_key: str, now: datetime) -> list[tuple[SecretRow, str]]:
    """Return the secrets that sign now, newest first; one that SECRET_KEY no longer opens is passed over."""
    holds = or_(SecretRow.ends_at.is_(None), SecretRow.ends_at > now)
    rows = session.scalars(select(SecretRow).where(SecretRow.signs, holds).order_by(SecretRow.id.desc()))
    found = [(row, encryption.decrypted(secret_key, row.ciphertext)) for row in rows]
    return [(row, secret) for row, secret in found if secret is not None]


def add_new(session: Session, secret_key: str, now: datetime, *, accepts: bool = False) -> str:
    """Make one more secret, the newest from now on, and return it."""
    secret = signing.new_secret()
    ciphertext, mark = encryption.encrypted(secret_key, secret), signing.fingerprint(secret)
    session.add(
        SecretRow(name=NAME, ciphertext=ciphertext, fingerprint=mark, created_at=now, signs=True, accepts=accepts)
    )
    return secret


def rotate(session: Session, secret_key: str, now: datetime, overlap: timedelta) -> str:
    """Make a new secret and return it; the ones before sign along for ``overlap`` at most.

    This receiver takes the new one too if it takes the one before.
    """
    rows = [row for row, _ in that_sign(session, secret_key, now)]
    for row in rows:
        row.ends_at = min(row.ends_at or now + overlap, now + overlap)
    return add_new(session, secret_key, now, accepts=bool(rows) and rows[0].accepts)


def revoke(session: Session, secret_key: str, now: datetime, fingerprint: str) -> None:
    """End a replaced secret; raises NotPossible for the newest, NotThere for one that does not sign."""
    newest_first = [row for row, _ in that_sign(session, secret_key, now)]
    if newest_first and newest_first[0].fingerprint == fingerprint:
        raise NotPossible("The newest secret cannot be revoked, for nothing would sign; rotate it instead.")
    row = next((one for one in newest_first if one.fingerprint == fingerprint), None)
    if row is None:
        raise NotThere(f"No secret with the fingerprint {fingerprint[:64]} signs now.")
    row.ends_at = now
