"""The words and the time zone that a source's table has of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from receiver.orders import Understood, read
from receiver.sources import Source
from receiver.sources.kinds import Kinds
from receiver.sources.registry import Sources

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


class Cups(Source):
    """A kind with words of its own."""

    states: ClassVar[dict[str, bool]] = {"Approved": False, "glazed": True}


def decided(source: Source, word: str) -> str | None:
    fields = [("order_id", "1"), ("total", "1.00"), ("customer_email", "a@shop.example"), ("payment_status", word)]
    reading = read(fields, source.mapping, NOW)
    return reading.decided if isinstance(reading, Understood) else None


def test_the_words_of_the_table_win_over_those_of_its_kind(tmp_path: Path) -> None:
    tables: dict[str, Any] = {
        "eu": {"kind": "cups", "states": {"GLAZED": "unpaid", "fired": "paid"}},
        "uk": {"kind": "cups"},
    }
    sources = Sources(tmp_path, tables, None, Kinds({"cups": Cups}))
    assert sources.problems == []
    eu, uk = sources.get("eu"), sources.get("uk")
    assert [decided(eu, word) for word in ("approved", "glazed", "fired")] == ["approved", "glazed", "completed"]
    assert [decided(uk, word) for word in ("approved", "glazed", "fired")] == ["approved", "completed", None]


def test_dates_without_a_zone_are_of_the_sources(tmp_path: Path) -> None:
    source = Sources(tmp_path, {"eu": {"zone": "Europe/Berlin"}}).get("eu")
    assert source.zone == ZoneInfo("Europe/Berlin")
    reading = read([("order_id", "1"), ("total", "1.00"), ("order_date", "2026-11-23 15:05:00")], source.mapping, NOW)
    assert isinstance(reading, Understood)
    assert reading.order.order_date == NOW


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"states": ["paid"]}, "states must be a table"),
        ({"states": {"x": "yes"}}, "states must be a table"),
        ({"zone": "Mars/Olympus"}, "zone must be a name"),
        ({"zone": 3}, "zone must be a name"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    (problem,) = Sources(tmp_path, {"eu": table}).problems
    assert said in problem
