"""Instants as they are stored: whole milliseconds, exact at both ends of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from receiver.storage.columns import Instant, milliseconds

DIALECT = sqlite.dialect()


def stored_and_read(when: datetime | None) -> datetime | None:
    column = Instant()
    return column.process_result_value(column.process_bind_param(when, DIALECT), DIALECT)


@pytest.mark.parametrize(
    ("when", "read"),
    [
        (datetime.max.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
        (
            datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        ),
        (datetime(2026, 11, 23, 14, 5, 0, 1999, tzinfo=UTC), datetime(2026, 11, 23, 14, 5, 0, 1000, tzinfo=UTC)),
        (datetime(2026, 11, 23, 14, 5, tzinfo=timezone(timedelta(hours=9))), datetime(2026, 11, 23, 5, 5, tzinfo=UTC)),
    ],
)
def test_every_moment_can_be_read_back_and_is_never_later(when: datetime, read: datetime) -> None:
    found = stored_and_read(when)
    assert found == read
    assert found.tzinfo is UTC


def test_each_millisecond_of_a_second_is_kept_exactly() -> None:
    start = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    assert [milliseconds(start + timedelta(milliseconds=n)) - milliseconds(start) for n in range(1000)] == [
        *range(1000)
    ]


def test_no_moment_stays_none() -> None:
    assert stored_and_read(None) is None
