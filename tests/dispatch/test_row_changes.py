"""What changed in a database, row by row: what counts is how each row was before and is after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from receiver.dispatch.row_changes import watched
from receiver.storage.database import Database
from receiver.storage.opening import open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "tried.sqlite").touch()
    made = open_database(f"sqlite:///{tmp_path}/tried.sqlite", tmp_path / "lock")
    with made.write() as session:
        run(session, "CREATE TABLE numbered (id INTEGER PRIMARY KEY, word TEXT, bytes BLOB)")
        run(session, 'CREATE TABLE "key\'s ""own""" (a TEXT, b TEXT, "c d" REAL, PRIMARY KEY (a, b)) WITHOUT ROWID')
        run(session, "CREATE TABLE keyless (word TEXT)")
        run(session, "CREATE TABLE below (of INTEGER REFERENCES numbered (id) ON DELETE CASCADE)")
        run(session, "INSERT INTO numbered VALUES (1, 'one', x'0011'), (2, 'two', NULL)")
        run(session, "INSERT INTO below VALUES (2)")
        run(session, 'INSERT INTO "key\'s ""own""" VALUES (\'x\', \'y\', 1.5)')
    yield made
    made.engine.dispose()


def run(session: Session, statement: str) -> None:
    session.connection().exec_driver_sql(statement)


def changes(database: Database, *statements: str, without: tuple[str, ...] = ()) -> list[tuple[str, Any, Any]]:
    with watched(database, without=without) as found, database.write() as session:
        for statement in statements:
            run(session, statement)
    return [(change.kind, change.before, change.after) for change in found]


def test_each_row_is_told_once_as_it_was_and_as_it_is(database: Database) -> None:
    assert changes(
        database,
        "INSERT INTO numbered VALUES (3, 'three', NULL)",
        "UPDATE numbered SET word = word || '!', bytes = NULL WHERE id <> 2",
    ) == [
        ("updated", {"id": 1, "word": "one", "bytes": "2 bytes"}, {"id": 1, "word": "one!", "bytes": None}),
        ("inserted", None, {"id": 3, "word": "three!", "bytes": None}),
    ]


def test_what_came_and_went_or_stayed_as_it_was_is_not_told(database: Database) -> None:
    assert (
        changes(
            database,
            "INSERT INTO numbered VALUES (3, 'three', NULL)",
            "DELETE FROM numbered WHERE id = 3",
            "UPDATE numbered SET word = 'other' WHERE id = 1",
            "UPDATE numbered SET word = 'one' WHERE id = 1",
        )
        == []
    )


def test_a_row_that_takes_anothers_place_is_an_update(database: Database) -> None:
    name = '"key\'s ""own"""'
    assert changes(database, f"INSERT OR REPLACE INTO {name} VALUES ('x', 'y', 2.5)") == [
        ("updated", {"a": "x", "b": "y", "c d": 1.5}, {"a": "x", "b": "y", "c d": 2.5})
    ]


def test_a_row_whose_key_changes_is_another_row(database: Database) -> None:
    before, after = {"id": 1, "word": "one", "bytes": "2 bytes"}, {"id": 9, "word": "nine", "bytes": "2 bytes"}
    statements = ("UPDATE numbered SET id = 9 WHERE id = 1", "UPDATE numbered SET word = 'nine' WHERE id = 9")
    assert changes(database, *statements) == [("deleted", before, None), ("inserted", None, after)]


def test_rows_that_go_with_another_are_told(database: Database) -> None:
    found = changes(database, "DELETE FROM numbered WHERE id = 2")
    assert sorted(kind for kind, _, _ in found) == ["deleted", "deleted"]
    assert {"of": 2, "rowid": 1} in [before for _, before, _ in found]


def test_the_rows_of_a_table_that_is_made_are_told(database: Database) -> None:
    statements = ("CREATE TABLE made (word TEXT)", "INSERT INTO made VALUES ('new')")
    assert changes(database, *statements) == [("inserted", None, {"word": "new", "rowid": 1})]


def test_a_table_may_be_changed_renamed_and_dropped(database: Database) -> None:
    """A renamed table is another one; a column that came is not looked at."""
    statements = (
        "ALTER TABLE numbered ADD COLUMN more TEXT",
        "UPDATE numbered SET word = 'other', more = 'x' WHERE id = 1",
        "ALTER TABLE below RENAME TO renamed",
        "DROP TABLE keyless",
    )
    one = {"id": 1, "word": "one", "bytes": "2 bytes"}
    assert changes(database, *statements) == [
        ("deleted", {"of": 2, "rowid": 1}, None),
        ("updated", one, one | {"word": "other"}),
        ("inserted", None, {"of": 2, "rowid": 1}),
    ]


def test_a_change_of_case_is_seen_where_a_column_ignores_it(database: Database) -> None:
    with database.write() as session:
        run(session, "CREATE TABLE anycase (id INTEGER PRIMARY KEY, word TEXT COLLATE NOCASE)")
        run(session, "INSERT INTO anycase VALUES (1, 'ada')")
    assert changes(database, "UPDATE anycase SET word = 'Ada'") == [
        ("updated", {"id": 1, "word": "ada"}, {"id": 1, "word": "Ada"})
    ]


def test_what_is_rolled_back_or_left_out_is_not_told(database: Database) -> None:
    with watched(database, without=["below"]) as found:
        with database.write() as session:
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                run(session, "INSERT INTO keyless VALUES ('undone')")
                raise ZeroDivisionError
            run(session, "INSERT INTO below VALUES (1)")
        with pytest.raises(ZeroDivisionError), database.write() as session:
            run(session, "INSERT INTO keyless VALUES ('undone')")
            raise ZeroDivisionError
        with database.write() as session:
            run(session, "INSERT INTO keyless VALUES ('kept')")
    assert [(change.table, change.after) for change in found] == [("keyless", {"word": "kept", "rowid": 1})]


def test_a_result_that_was_not_read_to_its_end_hinders_nothing(database: Database) -> None:
    with watched(database) as found, database.write() as session:
        session.execute(text("SELECT * FROM numbered")).fetchone()
        run(session, "INSERT INTO keyless VALUES ('x')")
    assert len(found) == 1
