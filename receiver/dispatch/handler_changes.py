"""Compare the handlers as they are on disk now with what the processes that serve and work have loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from receiver.errors import ReceiverError
from receiver.handlers.registry import Registry
from receiver.orders.idempotency import digest
from receiver.storage.database import Database
from receiver.storage.processes import Loaded, living


def loaded_files(registry: Registry) -> Callable[[], dict[str, str]]:
    """Return a function that returns the digest of each loaded file; those of installed handlers are read now.

    If a handler imports a shared file only when it runs, that file is among them from then on.
    """
    others = {handler.file for handler in registry.found() if _key(registry, handler.file) == handler.file}
    installed = {file: found for file in others if (found := _digest(Path(file)))}
    return lambda: {**installed, **registry.files.digests}


def differences(database: Database, registry: Registry) -> list[str]:
    """Return a sentence for each difference between a running process and the registry, which was just loaded.

    There's none if the database can't be used, because it says which processes run.
    """
    said = [sentence for process in _living(database) for sentence in _of(process, registry)]
    return list(dict.fromkeys(said))


def outdated(database: Database, registry: Registry) -> set[str]:
    """Return the names of the handlers that a running process hasn't loaded as they are now."""
    found: set[str] = set()
    for process in _living(database):
        changed = _changed(process, registry)
        found |= {
            handler.name
            for handler in registry.handlers
            if handler.name not in process.handlers or _key(registry, handler.file) in changed
        }
    return found


def _living(database: Database) -> list[Loaded]:
    with suppress(ReceiverError), database.read() as session:
        return living(session, datetime.now(UTC))
    return []


def _of(process: Loaded, registry: Registry) -> Iterator[str]:
    changed = _changed(process, registry)
    broken = {_key(registry, file) for file in registry.broken}  # a restart wouldn't load these
    for name, became in changed.items():
        is_installed = Path(name).is_absolute()  # if it's gone, so is its handler, which is named below
        if name not in broken and not (is_installed and became == "removed"):
            shown = Path(name).name if is_installed else name
            yield f"{shown} was {became} after the {process.kind} started: restart it."
    # Settings and packages add and remove handlers too, with no file changed.
    names = {handler.name: _key(registry, handler.file) for handler in registry.handlers}
    for name, file in names.items():
        if name not in process.handlers and file not in changed:
            yield f"{name} runs by settings and packages as they are now, but not in the {process.kind}: restart it."
    for name in process.handlers if not changed else ():
        if name not in names:
            yield f"{name} runs in the {process.kind}, but not by settings and packages as they are now: restart it."


def _changed(process: Loaded, registry: Registry) -> dict[str, str]:
    """Return each file that isn't as the process has loaded it: whether it was *added*, *changed* or *removed*."""
    names = set(process.files)
    with suppress(OSError):
        names |= {path.name for path in registry.files.listed()}
    return {
        name: "removed" if now is None else "changed" if name in process.files else "added"
        for name in sorted(names)
        if (now := _digest(registry.files.folder / name)) != process.files.get(name)
    }


def _digest(file: Path) -> str | None:
    try:
        return digest(file.read_bytes())
    except OSError:
        return None


def _key(registry: Registry, file: str) -> str:
    """Return the key of a file's digest: its path, relative to the folder of handlers if it's in there."""
    folder = registry.files.folder
    return str(Path(file).relative_to(folder)) if Path(file).is_relative_to(folder) else file
