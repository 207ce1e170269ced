"""What ends a transaction is found at the head of a statement, whatever space and comments stand before it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from random import Random

import pytest

from receiver.storage.transactions import check_statement
from tests.effort import assert_linear

HEADS = 5_000
PIECES = ("/*", "*/", "/", "*", "-", "--", ";", " ", "\n", "\r", "a", "COMMIT", "\ufeff")


def is_refused(statement: str) -> bool:
    try:
        check_statement(statement)
    except RuntimeError:
        return True
    return False


def ends_it(statement: str) -> bool:
    """Return whether SQLite itself ends a transaction by a statement."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        with suppress(sqlite3.Error):
            connection.execute(statement)
        return not connection.in_transaction


def test_nothing_random_ends_sqlites_transaction_unseen() -> None:
    chance = Random(1)
    statements = ["".join(chance.choices(PIECES, k=chance.randint(0, 8))) + "COMMIT" for _ in range(HEADS)]
    ended = [statement for statement in statements if ends_it(statement)]

    assert [statement for statement in ended if not is_refused(statement)] == []
    assert len(ended) > HEADS / 20
    assert any("*/" in statement for statement in ended)


@pytest.mark.parametrize(
    "head",
    [
        "/* one /* another */ one again */",
        "/* /* /* /* four deep */ */ -- */ */",
        "/*/*/ its end */*/ -- and a line\n",
        "-- a line that a carriage return ends\r",
    ],
)
def test_comments_are_read_as_postgresql_does_too(head: str) -> None:
    assert is_refused(f"{head}COMMIT")
    assert not is_refused(f"{head}SELECT 1")


@pytest.mark.parametrize("statement", ["/* a */ SELECT '*/ COMMIT'", "-- COMMIT\nSELECT 1", "ROLLBACK TO mine", "ENDS"])
def test_what_ends_nothing_is_taken(statement: str) -> None:
    assert not is_refused(statement)


@pytest.mark.parametrize("comment", ["/*a*/", "/*/", "/*", "/* /*a*/ */", "/**/--\n", "*/", "/* --", "--\n"])
def test_any_number_of_comments_is_read_in_one_go(comment: str) -> None:
    for begin in ("", "/*"):
        assert_linear(lambda size, begin=begin: is_refused(begin + comment * size + "!"), 40_000, 0.05)  # type: ignore[misc]
    assert is_refused("/*a*/" * 40_000 + "COMMIT")
