"""PostgreSQL as the database: what runs beside what, what's cut off, and what a commit says that a crash met."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from receiver.errors import Busy, ConfigurationError, Damaged, Unavailable
from receiver.storage import migrations
from receiver.storage.database import Beside, Database
from receiver.storage.migrations import comparison
from receiver.storage.opening import open_database
from receiver.storage.thrown_away import copy_of
from tests.stores import PostgreSQLServer, postgresql_server

SOON = 0.3
_TRIALS = text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'receiver_trial_')")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    with postgresql_server() as running:
        running.execute("CREATE DATABASE kit")
        running.execute("CREATE DATABASE fresh")
        yield running


@pytest.fixture
def database(server: PostgreSQLServer) -> Iterator[Database]:
    found = open_database(server.url("kit"), Path())
    with found.write() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS numbers (n INTEGER UNIQUE)"))
        session.execute(text("DELETE FROM numbers"))
    yield found
    found.engine.dispose()


def numbers(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(text("SELECT n FROM numbers ORDER BY n")))


def add(database: Database, number: int, *, beside: Beside = Beside.NOTHING, patience: float = SOON) -> None:
    transaction = database.begin_write(patience, beside=beside)
    transaction.connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})
    transaction.commit()


def test_what_the_console_writes_waits_for_arrivals_and_jobs_and_they_for_it(database: Database) -> None:
    with database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (?)", [1])
        with pytest.raises(Busy):
            add(database, 2)
        add(database, 3, beside=Beside.SMALL_WRITES)
        add(database, 4, beside=Beside.ANYTHING)
    transaction = database.begin_write()
    with pytest.raises(Busy):
        add(database, 5, beside=Beside.SMALL_WRITES)
    with pytest.raises(Busy), database.write_cursor(SOON):
        pass
    add(database, 6, beside=Beside.ANYTHING)
    transaction.close()
    assert numbers(database) == [1, 3, 4, 6]


def test_small_writes_run_side_by_side(database: Database) -> None:
    one = database.begin_write(beside=Beside.SMALL_WRITES)
    add(database, 1, beside=Beside.SMALL_WRITES)
    one.close()
    assert numbers(database) == [1]


def test_an_error_of_ours_stays_one_and_of_an_order_it_is_damage(database: Database) -> None:
    add(database, 1)
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
    with pytest.raises(Damaged, match="UniqueViolation") as caught, database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (?)", [1])
    assert "DETAIL" not in str(caught.value), "what's in a row is said to nobody"
    with database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (?)", [2])
    assert numbers(database) == [1, 2]


def test_a_statement_that_runs_is_cut_off_and_nothing_of_it_stays(database: Database) -> None:
    transaction = database.begin_write(beside=Beside.ANYTHING)
    transaction.connection.execute(text("INSERT INTO numbers VALUES (1)"))
    ended: list[Exception] = []

    def sleep() -> None:
        try:
            transaction.connection.execute(text("SELECT pg_sleep(60)"))
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=sleep)
    thread.start()
    time.sleep(0.2)
    transaction.cut_off()
    thread.join(20)
    assert not thread.is_alive()
    assert len(ended) == 1
    assert numbers(database) == []


def test_what_a_crash_has_lost_is_never_taken_for_kept(database: Database, server: PostgreSQLServer) -> None:
    """The server gives the number of a transaction that it lost to another one, which is then reported as committed."""
    with pytest.raises(Unavailable), database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (?)", [1])
        server.stop()
        server.start()
        for number in range(20):
            server.execute(f"CREATE TABLE crowd_{number} ()")
    for number in range(20):
        server.execute(f"DROP TABLE crowd_{number}")
    database.engine.dispose()
    assert numbers(database) == []


def test_a_commit_after_a_failed_statement_is_no_success(database: Database) -> None:
    """The server answers such a COMMIT by rolling back, and tells nobody."""
    transaction = database.begin_write()
    transaction.connection.execute(text("INSERT INTO numbers VALUES (1)"))
    with pytest.raises(DBAPIError):
        transaction.connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
    with pytest.raises(DBAPIError, match="a statement of the transaction has failed"):
        transaction.commit()
    assert numbers(database) == []


def test_a_server_that_is_gone_is_unavailable_and_used_again_when_it_is_back(
    server: PostgreSQLServer, database: Database
) -> None:
    server.stop()
    try:
        for use in (database.read, database.write, database.write_cursor):
            with pytest.raises(Unavailable), use():
                numbers(database)
        assert "Can't open the database" in (migrations.problem(database) or "")
    finally:
        server.start()
    with pytest.raises(Unavailable):  # of a connection that the pool has kept
        while True:
            numbers(database)
            break
        raise Unavailable("it was none")
    with database.write_cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (?)", [1])
    assert numbers(database) == [1]


def test_a_new_database_has_the_models_schema_and_a_column_that_is_too_strict_is_loosened(
    server: PostgreSQLServer,
) -> None:
    database = open_database(server.url("fresh"), Path())
    assert migrations.problem(database) == "The database isn't set up; run `flask init`."
    migrations.upgrade(database.engine)
    assert migrations.problem(database) is None
    assert comparison.differences(database.engine) == []
    with database.write() as session:
        session.execute(text("ALTER TABLE orders ADD COLUMN receipt TEXT NOT NULL"))
    (found,) = comparison.differences(database.engine)
    assert found.is_too_strict
    comparison.loosen(database.engine, [found])
    assert comparison.differences(database.engine) == []
    database.engine.dispose()


def test_a_backup_is_whole_and_nobody_elses_to_read(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "kit.dump"
    database.back_up(path)
    assert path.read_bytes().startswith(b"PGDMP")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        database.back_up(path)


def test_without_its_program_no_backup_is_made(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="pg_dump"):
        database.back_up(tmp_path / "kit.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    database = open_database("postgres://kit:geheim@127.0.0.1:9/kit", tmp_path)
    with pytest.raises(Unavailable) as caught, database.read() as session:
        session.execute(text("SELECT 1"))
    assert "geheim" not in f"{database.shown()} {caught.value} {migrations.problem(database)}"
    with pytest.raises(ConfigurationError) as failed:
        database.back_up(tmp_path / "kit.dump")
    assert "geheim" not in str(failed.value)
    assert list(tmp_path.iterdir()) == []


def test_the_copy_of_a_killed_process_is_dropped_by_the_next_and_one_in_use_stays(
    database: Database,
) -> None:
    add(database, 1)
    with database.write() as session:
        session.execute(text("CREATE SCHEMA receiver_trial_left"))
        session.execute(text("CREATE TABLE receiver_trial_left.orders (id INTEGER)"))
    with copy_of(database) as copy, copy_of(copy) as second:
        add(copy, 2)
        assert (numbers(database), numbers(copy), numbers(second)) == ([1], [1, 2], [1])
        with database.read() as session:
            found = session.scalars(_TRIALS).all()
        assert len(found) == 2
        assert "receiver_trial_left" not in found
    with database.read() as session:
        assert session.scalars(_TRIALS).all() == []
