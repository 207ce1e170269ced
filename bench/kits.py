"""The kits that are measured: this one and, with BASE, that of an earlier commit, each on every store."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.stores import Store, chosen

ROOT = Path(__file__).parents[1]
#: The commit to compare with, pair by pair.
BASE = os.environ.get("BASE", "")


class MeasuredKit(NamedTuple):
    """A kit on a store."""

    name: str
    store: Store
    #: The folder that has its code.
    code: Path


@contextmanager
def kits() -> Iterator[list[MeasuredKit]]:
    """Give the kits that are to be measured, and remove an earlier commit's code at the end."""
    stores = chosen()
    now = [MeasuredKit(f"kit, {store.name}", store, ROOT) for store in stores]
    if not BASE:
        yield now
        return
    with _checked_out(BASE) as code:
        yield [kit for one in now for kit in (MeasuredKit(before(one), one.store, code), one)]


def before(kit: MeasuredKit) -> str:
    """Return the name of the earlier commit's kit on the same store."""
    return f"kit at {BASE[:9]}, {kit.store.name}"


def in_turn(kits: Sequence[MeasuredKit], number: int) -> Sequence[MeasuredKit]:
    """Return the kits in the order of a round: every other one begins with the last, so that none is always first."""
    return kits[::-1] if number % 2 else kits


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """Give a worktree of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "base"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(code), commit], check=True)
        try:
            yield code
        finally:
            shutil.rmtree(code)
            subprocess.run([*git, "prune"], check=True)
