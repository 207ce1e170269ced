"""The tables of a run's figures in Markdown, and how they get into bench/README.md."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Line, Measure, Spread, short
from bench.kits import ROOT

README = Path(__file__).with_name("README.md")

#: What marks the figures of each command in the README.
BENCH, GROWTH, END = "<!-- written by make bench -->", "<!-- written by make bench-growth -->", "<!-- end -->"


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a table; a measure's name is written once, and its floor's line has no ratio."""
    rows = [["measure", "", "median", "lowest–highest", "ratio", "lowest–highest"]]
    before = None
    for measure, who, figures, ratios in lines:
        name = "" if measure == before else f"{measure.name}, {measure.unit}"
        rows.append([name, who, short(figures.median), _range(figures)])
        rows[-1] += [f"{ratios.median:.2f}", _range(ratios, ".2f")] if ratios else ["", ""]
        before = measure
    return _aligned(rows, left=2)


def pairs_table(pairs: Mapping[Measure, Spread], before: str) -> str:
    """Return the ratios to an earlier commit as a table."""
    rows = [["measure", f"ratio to {before}", "lowest–highest"]]
    rows += [[measure.name, f"{found.median:.2f}", _range(found, ".2f")] for measure, found in pairs.items()]
    return _aligned(rows, left=1)


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
    return _aligned(rows, left=1)


def write(mark: str, figures: str, run: str) -> None:
    """Write the figures of a run after its mark in the README, with what they were measured on."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "no commit"
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    dated = f"{datetime.now(UTC):%Y-%m-%d}, {commit}, {where}; {run}."
    README.write_text(replaced(README.read_text("utf-8"), mark, f"{dated}\n\n{figures}"), "utf-8")
    print(f"\nwrote {README.relative_to(ROOT)}")


def replaced(text: str, begin: str, figures: str) -> str:
    """Return a text with the figures after this mark, up to the next end. Raises ValueError if a mark is missing."""
    head, found, rest = text.partition(begin)
    _, end, tail = rest.partition(END)
    if not found or not end:
        raise ValueError(f"the marks {begin} and {END} must be there, in this order")
    return f"{head}{begin}\n\n{figures.strip()}\n\n{END}{tail}"


def _range(found: Spread, form: str = "") -> str:
    low, high = ((f"{value:{form}}" if form else short(value)) for value in found[1:])
    return f"{low}–{high}"


def _aligned(rows: Sequence[Sequence[str]], *, left: int) -> str:
    """Return rows as a Markdown table that's also readable as it is; the first columns are flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [
        ":" + "-" * (width - 1) if number < left else "-" * (width - 1) + ":" for number, width in enumerate(widths)
    ]
    padded = [
        [
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:]))
