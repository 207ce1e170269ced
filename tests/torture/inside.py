"""What a tortured process has inside, put there by its handler's file: traps in commits and in the handler."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from receiver.storage import jobs, sqlite_connections
from receiver.storage.postgresql_connections import LendableConnection
from receiver.storage.sqlite_connections import GatedConnection
from tests.torture.traps import Trap

#: Variables that say where the traps are, and what this process is called.
FOLDER, NAME = "TORTURE_FOLDER", "TORTURE_PROCESS"
#: The points that have traps: any commit, and the handler before and after what it writes.
COMMIT, BEFORE, AFTER = "commit", "before", "after"

#: The handler's file in the instance.
PACK_PARCEL = """
from sqlalchemy import text
from receiver.handlers import handler
from tests.torture import inside

inside.prepare_process()

@handler
def pack_parcel(order, context):
    inside.wait_to_be_killed("before")
    context.session.execute(text("INSERT INTO parcels (order_id) VALUES (:id)"), {"id": order.order_id})
    inside.wait_to_be_killed("after")
"""
#: The table that it writes to.
PARCELS = "CREATE TABLE parcels (order_id TEXT)"


def trap(point: str) -> Trap:
    """Return this process's trap at a point."""
    return Trap(Path(os.environ[FOLDER]), point, os.environ[NAME])


def beat(folder: Path, process: str) -> Path:
    """Return the file that a process touches whenever it runs the handler."""
    return folder / f"{process}.beat"


def lease_prefix(process: str, pid: int) -> str:
    """Return what the tokens of a process's leases begin with; it leads a group of its own."""
    return f"{process}/{pid}/"


def prepare_process() -> None:
    """Put the traps in, and have each lease tell whose it is; a process without a name stays as it is."""
    if NAME not in os.environ or hasattr(vars(jobs)["secrets"], "prepared"):
        return
    tokens = SimpleNamespace(
        token_hex=lambda _: lease_prefix(os.environ[NAME], os.getpgrp()) + secrets.token_hex(8), prepared=True
    )
    vars(jobs)["secrets"] = tokens
    cursor: Any = sqlite_connections._Cursor
    execute, fetch = cursor.execute, cursor.fetchall

    def execute_and_remember(self: Any, *args: Any) -> Any:
        self.inserts_orders = args[0].startswith("INSERT INTO orders")
        return execute(self, *args)

    def fetch_or_die(self: Any) -> Any:
        """SQLite commits the arrivals here, when it has handed out the last row that was inserted."""
        return _perhaps_die_in(fetch, self) if self.inserts_orders else fetch(self)

    cursor.execute, cursor.fetchall = execute_and_remember, fetch_or_die
    for connection in (GatedConnection, LendableConnection):
        commit: Callable[[Any], None] = connection.commit
        connection.commit = lambda self, commit=commit: _perhaps_die_in(commit, self)  # type: ignore[method-assign]


def _perhaps_die_in(commit: Callable[..., Any], *args: Any) -> Any:
    """Commit; if the trap is set, kill this process's whole group in so many seconds, wherever the commit is then."""
    here = trap(COMMIT)
    delay = here.take()
    if delay is None:
        return commit(*args)
    here.done.unlink(missing_ok=True)
    ready = threading.Barrier(2)

    def kill() -> None:
        ready.wait()
        time.sleep(float(delay))
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    ready.wait()
    try:
        return commit(*args)
    finally:
        here.done.touch()


def wait_to_be_killed(point: str) -> None:
    """Wait without end if the trap at this point of the handler is set."""
    beat(Path(os.environ[FOLDER]), os.environ[NAME]).touch()
    if trap(point).take() is not None:
        threading.Event().wait()
