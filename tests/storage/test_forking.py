"""A database that nobody holds any more is gone, though children that are forked open connections of their own."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from receiver import create_app
from receiver.app.components import Kit
from receiver.storage.opening import open_database
from receiver.storage.sqlite_database import SQLiteDatabase
from tests.waiting import SOON


def open_files() -> int:
    """Count those that are not only waiting to be collected."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_dropped_database_is_collected_with_its_lock(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite").touch()
    before = open_files()
    database = open_database(f"sqlite:///{tmp_path}/test.sqlite", tmp_path / "write.lock")
    with database.write() as session:
        session.execute(text("CREATE TABLE numbers (i INTEGER PRIMARY KEY)"))
    with database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (1)")
    of_database, of_lock = weakref.ref(database), weakref.ref(cast("SQLiteDatabase", database)._lock)
    database.engine.dispose()

    del database, session, cursor
    assert open_files() <= before
    assert (of_database(), of_lock()) == (None, None)


@pytest.mark.usefixtures("instance")
def test_a_dropped_app_is_collected_with_its_database() -> None:
    """As those of tests, and of dry runs."""
    kit: Kit = create_app().extensions["receiver"]
    of_database = weakref.ref(kit.database)

    del kit
    gc.collect()

    assert of_database() is None


def test_a_child_has_connections_of_its_own_after_others_were_dropped(tmp_path: Path) -> None:
    code = """
import gc, os, sys
from pathlib import Path
from receiver.storage.database import Database
from receiver.storage.opening import open_database
folder = Path(sys.argv[1])
(folder / "forked.sqlite").touch()
def made():
    return open_database(f"sqlite:///{folder}/forked.sqlite", folder / "forked.lock")
kept, dropped = made(), made()
del dropped
gc.collect()
with kept.write_cursor() as cursor:
    cursor.execute("CREATE TABLE numbers (i INTEGER PRIMARY KEY)")
    of_parent = cursor.connection
child = os.fork()
if child == 0:
    with kept.write_cursor() as cursor:
        os._exit(7 if cursor.connection is not of_parent else 0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=4 * SOON)
