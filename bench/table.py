"""The table of a run's figures in Markdown, and where it goes in the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.figures import Line, Measure, Spread, short

BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"


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


def growth_table(lines: Mapping[str, Sequence[float]], sizes: Sequence[int], unit: str) -> str:
    """Return a table of figures by size, each with its ratio to the smallest size's."""
    rows = [[unit, f"{sizes[0]:,} orders"]]
    for size in sizes[1:]:
        rows[0] += [f"{size:,}", "ratio"]
    for name, (first, *others) in lines.items():
        row = [name, short(first)]
        for value in others:
            row += [short(value), f"{value / first:.2f}"]
        rows.append(row)
    return _aligned(rows, left=1)


def replaced(text: str, figures: str) -> str:
    """Return a text with the figures between its two marks. Raises ValueError if a mark is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the marks {BEGIN} and {END} must be there, in this order")
    return f"{head}{BEGIN}\n\n{figures.strip()}\n\n{END}{tail}"


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
