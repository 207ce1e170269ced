"""Devices that somebody has signed in on before, known by a signed cookie that a new password ends."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer

from receiver.orders.digests import digest

#: How long a device is known after its last sign-in.
LASTS = timedelta(days=365)
#: Most wrong passwords of one known device in a minute: its own, whatever strangers do.
MOST_IN_A_MINUTE = 5


class Devices:
    """Makes the cookies of one kind of account, and tells which device one is of."""

    def __init__(self, secret_key: str, kind: str) -> None:
        self._serializer = URLSafeTimedSerializer(
            secret_key,
            salt=f"receiver device {kind}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def cookie(self, owner: str, password_hash: str) -> str:
        """Make the cookie of a device on which this owner has just proven who they are."""
        return str(self._serializer.dumps([_state(owner, password_hash), secrets.token_urlsafe(16)]))

    def known(self, cookie: str | None, owner: str, password_hash: str) -> str | None:
        """Give the device's name; None for a cookie that is not ours, another account's, or of an older password."""
        try:
            state, name = self._serializer.loads(cookie or "", max_age=int(LASTS.total_seconds()))
        except (BadSignature, ValueError, TypeError):
            return None
        return str(name) if state == _state(owner, password_hash) else None


def _state(owner: str, password_hash: str) -> str:
    """Give what a cookie is bound to; it tells nobody the password's hash."""
    return digest(f"{owner}\n{password_hash}")[:32]
