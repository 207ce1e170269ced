"""The tables of a run's figures in Markdown, for bench/README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Line, Measure, Spread, short
from docs.generate.figures import aligned

README = Path(__file__).with_name("README.md")


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table; a measure's name is written once, and its floor's line has no ratio."""
    rows = [["measure", "", "median", "lowest–highest", "ratio", "lowest–highest"]]
    before = None
    for measure, who, figures, ratios in lines:
        name = "" if measure == before else f"{measure.name}, {measure.unit}"
        rows.append([name, who, short(figures.median), _range(figures)])
        rows[-1] += [f"{ratios.median:.2f}", _range(ratios, ".2f")] if ratios else ["", ""]
        before = measure
    return aligned(rows, left=2)


def pairs_table(pairs: Mapping[Measure, Spread], before: str) -> str:
    """Return the ratios to an earlier commit as a table."""
    rows = [["measure", f"ratio to {before}", "lowest–highest"]]
    rows += [[measure.name, f"{found.median:.2f}", _range(found, ".2f")] for measure, found in pairs.items()]
    return aligned(rows, left=1)


def growth_table(lines: Mapping[str, Sequence[Spread]], sizes: Sequence[int], head: str) -> str:
    """Return a table of figures by size: medians, ranges, and the ratio of each median to that of the first size."""
    rows = [[head, f"{sizes[0]:,} orders"]]
    for size in sizes[1:]:
        rows[0] += [f"{size:,}", "ratio"]
    for name, (first, *others) in lines.items():
        row = [name, f"{short(first.median)} ({_range(first)})"]
        for found in others:
            row += [f"{short(found.median)} ({_range(found)})", f"{found.median / first.median:.2f}"]
        rows.append(row)
    return aligned(rows, left=1)


def _range(found: Spread, form: str = "") -> str:
    low, high = ((f"{value:{form}}" if form else short(value)) for value in found[1:])
    return f"{low}–{high}"
