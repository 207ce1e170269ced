"""Archives that tests make, look into and spoil."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from receiver.app.backups import making
from receiver.app.components import Kit

Member = tuple[tarfile.TarInfo, bytes]
#: Spoils what an archive holds.
Change = Callable[[list[Member]], object]


def made(kit: Kit, folder: Path, **options: Any) -> Path:
    """Back the instance up and give the archive's path."""
    return making.make(kit, folder, **options).path


def members(path: Path) -> dict[str, bytes]:
    """Return the contents of an archive's files, by name."""
    return {header.name: content for header, content in _read(path)}


def rewritten(path: Path, change: Change) -> Path:
    """Write an archive once more, changed, beside the old one."""
    found = _read(path)
    change(found)
    spoiled = path.with_name(f"spoiled-{path.name}")
    with tarfile.open(spoiled, "w:gz") as tar:
        for header, content in found:
            header.size = len(content)
            tar.addfile(header, BytesIO(content))
    return spoiled


def _read(path: Path) -> list[Member]:
    with tarfile.open(path, "r:gz") as tar:
        found = []
        for header in tar:
            file = tar.extractfile(header)
            assert file
            found.append((header, file.read()))
        return found
