"""A bar chart as plain SVG: where each bar stands; colours are the stylesheet's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 96
_GAP = 4
#: An hour or a day with any order is seen, beside one with a thousand.
_LOWEST = 3


@dataclass(frozen=True)
class Bar:
    """One bar, in the chart's own units, with its label and value."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int


@dataclass(frozen=True)
class Chart:
    """A bar chart."""

    title: str
    #: What one bar is: an hour or a day.
    unit: str
    bars: Sequence[Bar]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def highest(self) -> int:
        """The value of the highest bar."""
        return max((bar.value for bar in self.bars), default=0)


def bar_chart(unit: str, labels: Sequence[str], values: Sequence[int], title: str) -> Chart:
    """Lay values out as bars, the highest as high as the chart."""
    highest = max(values, default=0)
    step = WIDTH / max(len(values), 1)
    bars = []
    for number, (label, value) in enumerate(zip(labels, values, strict=True)):
        height = max(HEIGHT * value / highest, _LOWEST) if value else 0
        x, y = number * step + _GAP / 2, HEIGHT - height
        bars.append(Bar(round(x, 1), round(y, 1), round(step - _GAP, 1), round(height, 1), label, value))
    return Chart(title, unit, bars)
