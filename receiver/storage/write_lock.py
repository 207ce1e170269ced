"""The one write lock of SQLite: a mutex inside the process and flock between processes."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from receiver.errors import Busy, Unavailable

#: Seconds that a writer waits for the lock.
PATIENCE = 5.0
#: Seconds that an order's sender is kept waiting for it. Shops hang up at about 5 s, and should get the 503 before.
ACCEPT_PATIENCE = 2.0
_FIRST_PAUSE = 0.0001
_LONGEST_PAUSE = 0.0005
#: Whose ``forget`` is called first in every child that this process forks. A function that Python itself registers is
#: never dropped, and would keep each lock and database for as long as the process lives.
FORGET_IN_CHILD: WeakSet[Any] = WeakSet()
os.register_at_fork(after_in_child=lambda: [one.forget() for one in tuple(FORGET_IN_CHILD)])


class WriteLock:
    """A lock for one writer at a time, across all threads and processes that use the same file.

    SQLite's own waiting sleeps in growing steps, so that some writers starve under load; behind this lock they find
    the database free. The kernel drops the lock of a process that dies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._file: int | None = None
        FORGET_IN_CHILD.add(self)

    def __del__(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)

    def acquire(self, patience: float = PATIENCE) -> None:
        """Take the lock; any thread may release it. Waits ``patience`` seconds, then raises Busy."""
        deadline = time.monotonic() + patience
        if not self._mutex.acquire(timeout=max(patience, 0)):
            raise Busy("Another write is taking too long; try again.")
        try:
            self._lock_file(deadline)
        except BaseException:
            self._mutex.release()
            raise

    def release(self) -> None:
        """Release the lock to the next writer."""
        assert self._file is not None  # noqa: S101 - released by whoever acquired it
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._mutex.release()

    def _lock_file(self, deadline: float) -> None:
        if self._file is None:
            self._file = self._opened()
        pause = _FIRST_PAUSE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy("Another process is writing for too long; try again.") from None
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
            else:
                return

    def _opened(self) -> int:
        """Open the file, or make it; one that root makes is given to the folder's owner, who serves."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            folder = self._path.parent.stat()
        except OSError as error:
            raise Unavailable(
                f"{self._path.name} in the instance folder cannot be opened ({error.strerror}); "
                "give it to the user that serves, with chown."
            ) from error
        if os.geteuid() == 0:
            with suppress(OSError):  # a container's root may be forbidden to give files away
                os.fchown(file, folder.st_uid, folder.st_gid)
        return file

    def forget(self) -> None:
        """Start again in a forked child: flock belongs to the open file, which parent and child would share."""
        self._mutex = threading.Lock()
        self._file = None
