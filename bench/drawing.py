"""The figures of a run as an SVG, in light and dark: a bar for each median, a line from the lowest to the highest."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from bench.figures import Line, short

_WIDTH, _BAR, _ROW, _HEAD = 820, 14, 22, 34
#: Where the bars begin, and how long the longest may be.
_LEFT, _LONGEST = 230, 330
_STYLE = """
  svg { font: 13px system-ui, sans-serif; background: #ffffff }
  .ground { fill: #ffffff } text { fill: #24292f } .head { font-weight: 600 } .figures { fill: #57606a }
  .bar { fill: #0969da } .floor { fill: #afb8c1 } .spread { stroke: #24292f; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .figures { fill: #9198a1 }
    .bar { fill: #4493f8 } .floor { fill: #59636e } .spread { stroke: #e6edf3 }
  }
"""


def drawing(lines: Sequence[Line], ours: Sequence[str]) -> str:
    """Return the lines as an SVG; the bars of ``ours`` stand out from those that they're compared with."""
    parts: list[str] = []
    top = 8
    for measure, group in groupby(lines, key=lambda line: line.measure):
        found = [*group]
        longest = max(line.figures.high for line in found) or 1
        parts.append(f'<text class="head" x="16" y="{top + 20}">{escape(measure.name)}, {escape(measure.unit)}</text>')
        top += _HEAD
        for line in found:
            parts += _row(line, top, _LONGEST / longest, "bar" if line.who in ours else "floor")
            top += _ROW
        top += 6
    title = "The figures of the table above as bars, each with a line from the lowest to the highest round"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 8}" role="img">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{_WIDTH}" height="{top + 8}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _row(line: Line, top: int, scale: float, kind: str) -> list[str]:
    middle = top + _BAR / 2
    median, low, high = (_LEFT + value * scale for value in line.figures)
    ratio = f" · ratio {line.ratios.median:.2f}" if line.ratios else ""
    said = f"{short(line.figures.median)} ({short(line.figures.low)}–{short(line.figures.high)}){ratio}"
    return [
        f'<text x="{_LEFT - 10}" y="{top + 12}" text-anchor="end">{escape(line.who)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{median - _LEFT:.1f}" height="{_BAR}" rx="2"/>',
        f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
        f'<text class="figures" x="{_LEFT + _LONGEST + 12}" y="{top + 12}">{said}</text>',
    ]
