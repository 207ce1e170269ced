"""Write transactions: one at a time, on disk when committed, gone when cut off."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from receiver.errors import ConfigurationError, Unavailable
from receiver.storage import database as databases
from receiver.storage import sqlite
from receiver.storage.database import Database
from receiver.storage.opening import open_database
from receiver.storage.write_lock import WriteLock
from tests.waiting import SOON

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    (tmp_path / "test.sqlite").touch()
    made = open_database(f"sqlite:///{tmp_path}/test.sqlite", tmp_path / "write.lock")
    with made.write() as session:
        session.execute(text("CREATE TABLE numbers (i INTEGER PRIMARY KEY)"))
    return made


def numbers(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(text("SELECT i FROM numbers ORDER BY i")))


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_wal_is_used_only_where_its_reset_bug_is_fixed(version: tuple[int, int, int], safe: bool) -> None:
    assert sqlite.wal_is_safe(version) is safe


def test_an_old_sqlite_gets_the_delete_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "wal_is_safe", lambda _version: False)
    (tmp_path / "old.sqlite").touch()
    made = open_database(f"sqlite:///{tmp_path}/old.sqlite", tmp_path / "write.lock")

    with made.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_every_connection_syncs_fully_and_keeps_foreign_keys(database: Database) -> None:
    connections = [database.engine.connect() for _ in range(5)]
    for connection in connections:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        connection.close()


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        open_database("mysql://localhost/shop", tmp_path / "write.lock")


@pytest.mark.parametrize("use", ["read", "write", "write_cursor"])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, use: str) -> None:
    """SQLite itself would make one that others can read."""
    path = tmp_path / "100% #1.sqlite"
    missing = open_database(f"sqlite:///{path}", tmp_path / "write.lock")
    query = "SELECT 1" if use == "write_cursor" else text("SELECT 1")
    with pytest.raises(Unavailable, match=r"unable to open .*; see DATABASE_URL"), getattr(missing, use)() as session:
        session.execute(query)
    assert not path.exists()
    path.touch(0o600)
    with getattr(missing, use)() as session:
        assert session.execute(query).fetchall() == [(1,)]


@pytest.mark.parametrize("use", ["write", "write_cursor"])
@pytest.mark.parametrize("is_replaced", [True, False])
@pytest.mark.parametrize("has_written", [True, False])
def test_nothing_is_written_into_a_file_that_was_removed(
    tmp_path: Path, database: Database, use: str, is_replaced: bool, has_written: bool
) -> None:
    database = open_database(f"sqlite:///{tmp_path}/test.sqlite", tmp_path / "write.lock")
    with database.read() as session:
        session.execute(text("SELECT 1"))
    if has_written:
        with database.write_cursor() as cursor:
            cursor.execute("INSERT INTO numbers VALUES (1)")
    (tmp_path / "test.sqlite").unlink()
    if is_replaced:
        (tmp_path / "test.sqlite").touch()
    with pytest.raises(Unavailable, match=r"test.sqlite was removed or replaced"), getattr(database, use)():
        pass


def test_a_file_named_from_here_is_the_same_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.sqlite").touch()
    made = open_database("sqlite:///here.sqlite", tmp_path / "write.lock")
    monkeypatch.chdir("/")
    with made.write() as session:
        session.execute(text("CREATE TABLE numbers (i INTEGER)"))


def test_an_exception_rolls_back_and_lets_the_next_writer_in(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
        raise RuntimeError

    with database.write() as session:
        session.execute(text("INSERT INTO numbers VALUES (2)"))
    assert numbers(database) == [2]


def test_each_statement_of_a_bare_cursor_commits_by_itself(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (1)")
        raise RuntimeError
    with database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (2)")

    assert numbers(database) == [1, 2]


def test_what_a_bare_cursor_begins_is_rolled_back_on_an_exception(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write_cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO numbers VALUES (1)")
        raise RuntimeError
    with database.write(patience=0.5) as session:
        session.execute(text("INSERT INTO numbers VALUES (2)"))

    assert numbers(database) == [2]


def test_a_bare_cursor_stays_open_until_the_engine_is_disposed_of(database: Database) -> None:
    with database.write_cursor() as first:
        pass
    with database.write_cursor() as second:
        pass
    assert second is first

    database.engine.dispose()

    with pytest.raises(sqlite.driver.ProgrammingError, match="closed"):
        first.execute("SELECT 1")
    with database.write_cursor() as third:
        third.execute("INSERT INTO numbers VALUES (3)")
    assert numbers(database) == [3]


def test_writers_of_many_threads_take_turns(database: Database) -> None:
    def add(start: int) -> None:
        for i in range(start, start + 25):
            with database.write() as session:
                session.execute(text("INSERT INTO numbers VALUES (:i)"), {"i": i})

    threads = [threading.Thread(target=add, args=(start,)) for start in range(0, 200, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert numbers(database) == list(range(200))


def test_a_writer_that_waited_too_long_is_told_so(database: Database) -> None:
    transaction = database.begin_write()
    try:
        started = time.monotonic()
        with pytest.raises(Unavailable), database.write(patience=0.2):
            pass
        assert time.monotonic() - started >= 0.2
    finally:
        transaction.close()


def hold_in_another_process(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Run code in another process until its standard input closes; returns when it printed a line."""
    holder = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_the_lock_holds_between_processes_and_a_dead_one_frees_it(database: Database, tmp_path: Path) -> None:
    code = (
        "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True);"
        "sys.stdin.read()"
    )
    with hold_in_another_process(code, str(tmp_path / "write.lock")) as holder:
        with pytest.raises(Unavailable, match="process"), database.write(patience=0.2):
            pass
        holder.kill()
        holder.wait()

        with database.write(patience=2) as session:
            session.execute(text("INSERT INTO numbers VALUES (1)"))
    assert numbers(database) == [1]


def test_a_foreign_program_that_holds_the_database_ends_in_unavailable(database: Database, tmp_path: Path) -> None:
    """Someone writes past our lock, as the sqlite3 command does."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    with hold_in_another_process(code, str(tmp_path / "test.sqlite")) as holder:
        with pytest.raises(Unavailable, match="locked"), database.write(patience=0.3):
            pass
        with pytest.raises(Unavailable, match="locked"), database.write_cursor() as cursor:
            cursor.connection.wait_at_most(0.3)
            cursor.execute("INSERT INTO numbers VALUES (1)")
        holder.kill()

    with database.write(patience=2):
        pass


def test_a_full_database_ends_in_unavailable_and_keeps_nothing(database: Database) -> None:
    with database.write_cursor() as cursor:
        cursor.execute("CREATE TABLE big (data BLOB)")
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages + 2}")
    for connection in [database.engine.raw_connection() for _ in range(4)]:
        connection.cursor().execute(f"PRAGMA max_page_count={pages + 2}")
        connection.close()

    with pytest.raises(Unavailable, match="full"), database.write_cursor() as cursor:
        cursor.execute("INSERT INTO big VALUES (zeroblob(100000))")
    with pytest.raises(Unavailable, match="full"), database.write() as session:
        session.execute(text("INSERT INTO big VALUES (zeroblob(100000))"))
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM big")) == 0


def test_cutting_off_undoes_all_and_frees_the_lock_at_once(database: Database) -> None:
    transaction = database.begin_write()
    transaction.connection.execute(text("INSERT INTO numbers VALUES (1)"))

    transaction.cut_off()

    with database.write(patience=0.5) as session:
        session.execute(text("INSERT INTO numbers VALUES (2)"))
    with pytest.raises(SQLAlchemyError):
        transaction.connection.execute(text("INSERT INTO numbers VALUES (3)"))
    transaction.close()
    assert numbers(database) == [2]


def test_cutting_off_ends_a_statement_that_runs_for_ever(database: Database) -> None:
    transaction = database.begin_write()
    errors: list[Exception] = []

    def run() -> None:
        try:
            transaction.connection.execute(text(ENDLESS)).all()
        except SQLAlchemyError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.2)
    transaction.cut_off()
    thread.join(SOON)

    assert not thread.is_alive()
    assert errors
    with database.write(patience=1):
        pass


def test_cutting_off_amid_hasty_use_never_crashes(database: Database) -> None:
    for _ in range(30):
        transaction = database.begin_write()
        started = threading.Event()

        def use(transaction=transaction, started=started) -> None:  # type: ignore[no-untyped-def]
            with pytest.raises(SQLAlchemyError):
                while True:
                    transaction.connection.execute(text("SELECT i FROM numbers")).all()
                    started.set()

        thread = threading.Thread(target=use)
        thread.start()
        started.wait(SOON)
        transaction.cut_off()
        thread.join(SOON)
        assert not thread.is_alive()


def test_a_checkpoint_empties_the_log_into_the_database(database: Database, tmp_path: Path) -> None:
    for i in range(50):
        with database.write() as session:
            session.execute(text("INSERT INTO numbers VALUES (:i)"), {"i": i})

    database.checkpoint()

    with database.engine.connect() as connection:
        _busy, in_log, copied = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    assert in_log == copied


def test_a_forked_child_takes_a_lock_of_its_own(database: Database) -> None:
    """flock belongs to the open file, which parent and child would share."""
    code = """
import os, sys
from pathlib import Path
from receiver.storage.write_lock import WriteLock
from receiver.errors import Unavailable
lock = WriteLock(Path(sys.argv[1]))
lock.acquire()
child = os.fork()
if child == 0:
    try:
        lock.acquire(0.2)
    except Unavailable:
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
lock.release()
child = os.fork()
if child == 0:
    lock.acquire(0.2)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    path = Path(str(database.engine.url.database)).with_name("fork.lock")
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=4 * SOON)


def test_a_child_forked_while_orders_are_written_leaves_them_be(tmp_path: Path) -> None:
    """With the delete journal, to close the parent's connection in the child rolls back the parent's transaction."""
    code = """
import os, sys
from pathlib import Path
from receiver.storage import sqlite
from receiver.storage.database import Database
from receiver.storage.opening import open_database
sqlite.wal_is_safe = lambda _version: False
folder = Path(sys.argv[1])
(folder / "forked.sqlite").touch()
database = open_database(f"sqlite:///{folder}/forked.sqlite", folder / "forked.lock")
with database.write_cursor() as cursor:
    cursor.execute("CREATE TABLE numbers (i INTEGER PRIMARY KEY)")
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute("PRAGMA cache_spill = ON")
    cursor.execute("PRAGMA cache_size = 1")
    cursor.executemany("INSERT INTO numbers VALUES (?)", [(i,) for i in range(20_000)])
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cursor.execute("COMMIT")
    cursor.execute("SELECT count(*) FROM numbers")
    assert cursor.fetchone() == (20_000,)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=4 * SOON)


def test_a_lock_file_that_cannot_be_opened_ends_in_unavailable_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "write.lock").mkdir()
    made = open_database(f"sqlite:///{tmp_path}/test.sqlite", tmp_path / "write.lock")

    for _ in range(2):
        with pytest.raises(Unavailable, match=r"write\.lock .*chown"), made.write():
            pass


def test_a_lock_file_that_root_makes_is_its_folders_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))

    WriteLock(tmp_path / "write.lock").acquire()

    assert given == [(tmp_path.stat().st_uid, tmp_path.stat().st_gid)]


def test_reading_what_a_foreign_program_has_locked_ends_in_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the write-ahead log a writer keeps readers out."""
    monkeypatch.setattr(sqlite, "wal_is_safe", lambda _version: False)
    monkeypatch.setattr(databases, "PATIENCE", 0.1)
    (tmp_path / "old.sqlite").touch()
    made = open_database(f"sqlite:///{tmp_path}/old.sqlite", tmp_path / "write.lock")
    with made.read() as session:
        session.execute(text("SELECT 1"))

    with closing(sqlite.driver.connect(tmp_path / "old.sqlite", isolation_level=None)) as foreign:
        foreign.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"), made.read() as session:
            session.execute(text("SELECT * FROM sqlite_master"))


def test_a_hasty_writer_leaves_no_haste_behind(database: Database) -> None:
    for write in (database.write, database.write_cursor):
        with write(patience=0.3):
            pass
        with database.read() as session:
            assert session.scalar(text("PRAGMA busy_timeout")) == 5000


def test_a_damaged_file_ends_in_unavailable_and_a_mistake_of_ours_does_not(tmp_path: Path, database: Database) -> None:
    (tmp_path / "damaged.sqlite").write_bytes(b"no database at all" * 100)
    damaged = open_database(f"sqlite:///{tmp_path}/damaged.sqlite", tmp_path / "other.lock")
    for use in (damaged.read, damaged.write, damaged.write_cursor):
        with pytest.raises(Unavailable, match="not a database"), use() as session:
            session.execute(text("SELECT 1"))

    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(text("INSERT INTO numbers VALUES (1), (1)"))
