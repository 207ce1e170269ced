"""The file of the secret key: read, check and make it."""

from __future__ import annotations

import secrets
from pathlib import Path

from receiver.errors import ConfigurationError
from receiver.security.secret_strength import weakness_of_key
from receiver.settings.checks import SHORTEST_KEY
from receiver.storage import private_files

FILE = "secret_key"
_WAY_OUT = "Put it back from a backup; if it is lost, begin again with: flask init --new-key"


def read(instance: Path) -> str | None:
    """Return the key in the file, None when there is no file; raises ConfigurationError for an unusable one."""
    path = instance / FILE
    try:
        key = path.read_text("utf-8").strip()
    except FileNotFoundError as error:
        if not path.is_symlink():
            return None
        raise ConfigurationError(f"{path} is a link that leads nowhere. {_WAY_OUT}") from error
    except IsADirectoryError as error:
        raise ConfigurationError(f"{path} is a folder, not a file. Remove it. {_WAY_OUT}") from error
    except OSError as error:
        way = "Give it to the user that serves, with chown."
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. {way}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is damaged: it is not UTF-8 text. {_WAY_OUT}") from error
    if len(key) < SHORTEST_KEY:
        what = f"has fewer than {SHORTEST_KEY} characters" if key else "is empty"
        raise ConfigurationError(f"{path} {what}. {_WAY_OUT}")
    if why := weakness_of_key(key):
        raise ConfigurationError(f"The key in {path} is easy to guess: {why}. Get another with: flask init --new-key")
    return key


def problem(instance: Path) -> str | None:
    """Return what is wrong with the file and how to fix it; None when it holds a key."""
    try:
        found = read(instance)
    except ConfigurationError as error:
        return str(error)
    if found is not None:
        return None
    return f"SECRET_KEY is missing: put {FILE} back from a backup, or run `flask init` if there never was one."


def make(instance: Path, *, replace: bool = False) -> bool:
    """Write a new key; returns False for a file that's there already, which only ``replace`` overwrites."""
    return private_files.write(instance / FILE, secrets.token_urlsafe(48), replace=replace)
