"""Check that the instance's files belong to the user that serves; root or a restored backup may have put some there."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

#: Suffixes of the database and of the files that SQLite keeps beside it.
_BESIDE = ("", "-wal", "-shm", "-journal")


def problems(instance: Path, database: Path) -> Iterator[str]:
    """Yield a sentence with the fix for each file of another owner, and if this process is of another user."""
    owner = instance.stat().st_uid
    beside = [database.with_name(database.name + suffix) for suffix in _BESIDE]
    for path in (instance / "secret_key", instance / "config.toml", instance / "write.lock", *beside):
        if path.exists() and path.stat().st_uid != owner:
            theirs, ours = _name(path.stat().st_uid), _name(owner)
            yield f"{path} belongs to {theirs}, the folder to {ours}, who runs the server. Run: chown {ours} {path}"
    if os.geteuid() not in {0, owner}:
        yield f"{instance} belongs to {_name(owner)}, this process to {_name(os.geteuid())}. Run it as {_name(owner)}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
