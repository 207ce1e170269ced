"""What SQLite's errors become, with the next step."""

from __future__ import annotations

import pytest

from receiver.errors import Damaged, Unavailable
from receiver.storage import sqlite
from receiver.storage.sqlite import translated_errors


@pytest.mark.parametrize(
    ("cause", "step"),
    [
        ("no such table: orders", "run `flask init`"),
        ("attempt to write a readonly database", "see DATABASE_URL and the instance folder"),
        ("database disk image is malformed", "it's damaged: restore a backup, see “Back up and upgrade” in Help"),
        ("database or disk is full", "try again"),
        ("disk I/O error", "try again"),
        ("database is locked", "try again"),
        ("error in view mine: no such column: x", "run `flask doctor`"),
    ],
)
def test_of_what_sqlite_says_the_next_step_is_told(cause: str, step: str) -> None:
    with pytest.raises(Unavailable) as caught, translated_errors():
        raise sqlite.driver.OperationalError(cause)
    assert str(caught.value) == f"The database can't be used now ({cause}); {step}."


def test_a_mistake_of_ours_stays_one_except_while_an_order_is_written() -> None:
    mistake = sqlite.driver.IntegrityError("NOT NULL constraint failed: orders.key")
    with pytest.raises(sqlite.driver.IntegrityError), translated_errors():
        raise mistake
    with (
        pytest.raises(Damaged, match=r"refused the order \(IntegrityError: NOT NULL"),
        translated_errors(of_an_order=True),
    ):
        raise mistake
