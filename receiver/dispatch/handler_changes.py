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
    """Make what gives the digest of each loaded file: of installed handlers as they are at this call, just loaded.

    A shared file that a handler imports only when it runs is among them from then on.
    """
    others = {handler.file for handler in registry.found() if _key(registry, handler.file) == handler.file}
    installed = {file: found for file in others if (found := _digest(Path(file)))}
    return lambda: {**installed, **(registry.files.digests if registry.files else {})}


def differences(database: Database, registry: Registry) -> list[str]:
    """Return a sentence for each handler that differs between a running process and the disk.

    The registry is that of this process, which a command has just loaded. Without a usable database nothing is known.
    """
    said = [sentence for process in _living(database) for sentence in _of(process, registry)]
    return list(dict.fromkeys(said))


def outdated(database: Database, registry: Registry) -> set[str]:
    """Name the handlers of the registry that a living process has not loaded as their file is now."""
    names = {handler.name for handler in registry.handlers}
    return {name for process in _living(database) for name in names if not _runs(process, registry, name)}


def _living(database: Database) -> list[Loaded]:
    with suppress(ReceiverError), database.read() as session:
        return living(session, datetime.now(UTC))
    return []


def _of(process: Loaded, registry: Registry) -> Iterator[str]:
    on_disk = _on_disk(process, registry)
    restart = f"after the {process.kind} started: restart it."
    broken = {_key(registry, file) for file in registry.broken}  # a restart would not load it
    for name in sorted(on_disk.keys() - process.files.keys() - broken):
        yield f"{name} was added {restart}"
    for name, then in process.files.items():
        now = then if name in broken else on_disk.get(name)
        if now is None and not Path(name).is_absolute():
            yield f"{name} was removed {restart}"
        elif now is not None and now != then:
            yield f"{Path(name).name} was changed {restart}"
    yield from _of_names(process, registry, on_disk)


def _of_names(process: Loaded, registry: Registry, on_disk: dict[str, str]) -> Iterator[str]:
    """Return the handlers that settings or an installed package add or remove, with no file changed."""
    names = {handler.name: handler for handler in registry.handlers}
    changed = {name for name in on_disk.keys() | process.files.keys() if on_disk.get(name) != process.files.get(name)}
    for name, handler in names.items():
        if name not in process.handlers and _key(registry, handler.file) not in changed:
            yield f"{name} runs by settings and packages as they are now, but not in the {process.kind}: restart it."
    if changed:
        return
    for name in process.handlers:
        if name not in names:
            yield f"{name} runs in the {process.kind}, but not by settings and packages as they are now: restart it."


def _runs(process: Loaded, registry: Registry, name: str) -> bool:
    handler = registry.get(name)
    file = _key(registry, handler.file) if handler else ""
    return name in process.handlers and process.files.get(file) == _on_disk(process, registry).get(file)


def _on_disk(process: Loaded, registry: Registry) -> dict[str, str]:
    """Return the digests, as they are now, of the files that the process has loaded, and of all files of handlers."""
    if registry.files is None:
        return {}
    folder = registry.files.folder
    with suppress(OSError):
        names = {*process.files, *(path.name for path in registry.files.listed())}
        return {name: found for name in sorted(names) if (found := _digest(folder / name))}
    return {}


def _digest(file: Path) -> str | None:
    try:
        return digest(file.read_bytes())
    except OSError:
        return None


def _key(registry: Registry, file: str) -> str:
    """Return the path under which a file's digest stands: from the folder of handlers on, where it lies in there."""
    folder = registry.files.folder if registry.files else None
    inside = folder is not None and Path(file).is_relative_to(folder)
    return str(Path(file).relative_to(folder)) if inside and folder else file
