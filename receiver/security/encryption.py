"""Stored secrets, and bodies that couldn't be read: encrypted under SECRET_KEY, and read back."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, lru_cache

from cryptography.fernet import Fernet, InvalidToken

from receiver.errors import ConfigurationError


def encrypted(secret_key: str, secret: str) -> str:
    """Encrypt a secret for the database; raises ConfigurationError while there is no SECRET_KEY."""
    return encrypted_bytes(secret_key, secret.encode())


# Holds every row that was read: rows are made by hand, and a smaller one would decrypt all of them at each request.
@cache
def decrypted(secret_key: str, ciphertext: str) -> str | None:
    """Return a decrypted secret, or None if it wasn't encrypted under this SECRET_KEY."""
    plain = decrypted_bytes(secret_key, ciphertext)
    return None if plain is None else plain.decode()


def encrypted_bytes(secret_key: str, plain: bytes) -> str:
    """Encrypt bytes for the database; raises ConfigurationError while there is no SECRET_KEY."""
    if not secret_key:
        raise ConfigurationError("SECRET_KEY is not set; run `flask init` first.")
    return _cipher(secret_key).encrypt(plain).decode()


def decrypted_bytes(secret_key: str, ciphertext: str) -> bytes | None:
    """Return decrypted bytes, or None if they weren't encrypted under this SECRET_KEY."""
    if not secret_key:
        return None
    try:
        return _cipher(secret_key).decrypt(ciphertext)
    except InvalidToken:
        return None


@lru_cache(maxsize=8)
def _cipher(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"shared secrets" + secret_key.encode()).digest()))
