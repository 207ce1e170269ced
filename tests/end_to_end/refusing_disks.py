"""What keeps a running server from writing: a limit on the size of files, and whoever has its write lock."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from receiver.storage import sqlite


def pids_of(group: int) -> list[int]:
    """Return the processes of a group."""
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _is_of(group, stat)]


@contextmanager
def files_end_at(size: int, *groups: int) -> Iterator[None]:
    """Let no process of these groups write past so many bytes of any file: that's refused as on a full disk."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for group in groups for pid in pids_of(group)}
    assert len(before) > 1, "the server and its workers were not found"
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def write_lock(instance: Path) -> Iterator[None]:
    """Hold the lock by which the processes of an instance take turns."""
    descriptor = os.open(instance / "write.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def foreign_writer(instance: Path) -> Iterator[None]:
    """Be a program that writes to SQLite's file without asking for that lock."""
    with closing(sqlite.driver.connect(str(instance / "receiver.sqlite"))) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield


def _is_of(group: int, stat: Path) -> bool:
    try:
        return os.getpgid(int(stat.parent.name)) == group
    except ProcessLookupError:
        return False
