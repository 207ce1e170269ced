"""The short form of `make torture`: a few of everything, on the store that the tests run on."""

from __future__ import annotations

from random import Random

import pytest

from tests.end_to_end.starting import Starter
from tests.torture.places import SQLITE, Place
from tests.torture.plan import LINES, Line
from tests.torture.results import Result

#: How often each thing is done here.
TIMES = 2


def marks(line: Line) -> list[pytest.MarkDecorator]:
    """Return the marks of a line that isn't for every store."""
    if len(line.stores) > 1:
        return []
    return [pytest.mark.sqlite if SQLITE in line.stores else pytest.mark.postgresql]


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=line.name, marks=marks(line)) for line in LINES if line.in_suite]
)
def test_nothing_is_lost_and_nothing_doubled(line: Line, place: Place, starter: Starter) -> None:
    times = min(TIMES, line.piece)
    result = line.run(place, starter, Random(line.name), times)

    assert result.is_good, result
    assert result.tried == times


def test_results_add_up() -> None:
    one = Result(tried=2, lost=1, notes={"orders": 5, "emails": 1})
    assert one + Result(tried=1, errors=1, notes={"orders": 7}) == Result(
        tried=3, lost=1, errors=1, notes={"orders": 12, "emails": 1}
    )
