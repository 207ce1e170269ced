"""The table and the drawing of the bench, from made-up figures."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench.drawing import drawing
from bench.figures import ACCEPT, BUSY, EMPTY, MEASURES, START, Figure, Spread, lines, pairs, short
from bench.table import growth_table, pairs_table, table

KIT, EARLIER = "kit, <SQLite>", "kit at abc"
ROUNDS = [
    [Figure(BUSY, KIT, 500), Figure(ACCEPT, EMPTY, 4000), Figure(ACCEPT, KIT, 2000), Figure(START, KIT, 1.25)],
    [Figure(BUSY, KIT, 400), Figure(ACCEPT, EMPTY, 5000), Figure(ACCEPT, KIT, 1600), Figure(START, KIT, 12.5)],
    [Figure(BUSY, KIT, 900), Figure(ACCEPT, EMPTY, 4000), Figure(ACCEPT, KIT, 1800), Figure(START, KIT, 2.0)],
]


def test_the_table_has_medians_and_the_ratios_of_each_round() -> None:
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table(lines(ROUNDS)).splitlines()]
    assert rows[2:] == [
        ["accept, requests/s", EMPTY, "4,000", "4,000–5,000", "", ""],
        ["", KIT, "1,800", "1,600–2,000", "0.45", "0.32–0.50"],
        ["accept with workers on, requests/s", KIT, "500", "400–900", "0.25", "0.25–0.50"],
        ["start, s", KIT, "2.00", "1.25–12.5", "", ""],
    ]
    assert len({len(row) for row in table(lines(ROUNDS)).splitlines()}) == 1, "the columns are aligned"


def test_an_earlier_commit_is_compared_round_by_round() -> None:
    measured = [
        [Figure(ACCEPT, KIT, 20), Figure(ACCEPT, EARLIER, 10), Figure(START, KIT, 1)],
        [Figure(ACCEPT, KIT, 30), Figure(ACCEPT, EARLIER, 20), Figure(START, KIT, 1)],
    ]
    compared = pairs(measured, EARLIER, KIT)
    assert compared == {ACCEPT: Spread(1.75, 1.5, 2.0)}
    assert "| accept  |         1.75 |      1.50–2.00 |" in pairs_table(compared, "abc")


def test_growth_has_a_ratio_to_the_smallest_size() -> None:
    found = [Spread(2000, 1900, 2100), Spread(1900, 1800, 1950), Spread(1000, 900, 1100)]
    rows = growth_table({"accept": found}, [1000, 10_000, 1_000_000], "requests/s").splitlines()
    assert [cell.strip() for cell in rows[0].split("|")[1:-1]] == [
        *("requests/s", "1,000 orders", "10,000", "ratio", "1,000,000", "ratio")
    ]
    assert [cell.strip() for cell in rows[2].split("|")[1:-1]] == [
        *("accept", "2,000 (1,900–2,100)", "1,900 (1,800–1,950)", "0.95", "1,000 (900–1,100)", "0.50")
    ]


def test_the_drawing_has_a_bar_for_each_line_and_colours_for_light_and_dark() -> None:
    svg = drawing(lines(ROUNDS), [KIT])
    found = ET.fromstring(svg)
    classes = [one.get("class") for one in found.iter() if one.get("class")]
    assert (classes.count("floor"), classes.count("bar"), classes.count("spread")) == (1, 3, 4)
    assert "prefers-color-scheme: dark" in svg
    widths = [float(one.get("width", "")) for one in found.iter() if one.get("class") in {"floor", "bar"}]
    assert widths[0] == pytest.approx(4000 / 5000 * 330)
    assert widths[1] == pytest.approx(1800 / 5000 * 330)


def test_figures_are_short() -> None:
    assert [short(value) for value in (12345.6, 99.94, 9.996, 0.456)] == ["12,346", "99.9", "10.00", "0.46"]


def test_each_ratio_is_to_a_measure_that_is_there() -> None:
    names = {measure.name for measure in MEASURES}
    assert {measure.floor for measure in MEASURES if measure.floor} <= names
