"""Tables of figures in a page: each command writes its own after its mark, with when and on what it ran."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The page that says what the kit promises.
TRUST = ROOT / "docs" / "trust.md"
END = "<!-- end -->"


def mark(command: str) -> str:
    """Return the mark after which a command writes its figures, up to the next end."""
    return f"<!-- written by {command} -->"


def write(page: Path, command: str, figures: str, run: str) -> None:
    """Write the figures of a command's run into a page, dated, with the commit, the machine and what ``run`` says."""
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    dated = f"{datetime.now(UTC):%Y-%m-%d}, {commit()}, {where}; {run}."
    page.write_text(replaced(page.read_text("utf-8"), mark(command), f"{dated}\n\n{figures}"), "utf-8")
    print(f"\nwrote {page.relative_to(ROOT)}")


def commit() -> str:
    """Return the name of the commit that's checked out here."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "no commit"


def replaced(text: str, begin: str, figures: str) -> str:
    """Return a text with the figures after this mark, up to the next end. Raises ValueError if a mark is missing."""
    head, found, rest = text.partition(begin)
    _, end, tail = rest.partition(END)
    if not found or not end:
        raise ValueError(f"the marks {begin} and {END} must be there, in this order")
    return f"{head}{begin}\n\n{figures.strip()}\n\n{END}{tail}"


def aligned(rows: Sequence[Sequence[str]], *, left: int, last_left: bool = False) -> str:
    """Return rows as a Markdown table that's also readable as it is; the first columns are flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    is_left = [number < left or (last_left and number == len(widths) - 1) for number in range(len(widths))]
    rules = (":" + "-" * (width - 1) for width in widths)
    rule = [rule if flush else rule[::-1] for rule, flush in zip(rules, is_left, strict=True)]
    padded = [
        [
            cell.ljust(width) if flush else cell.rjust(width)
            for cell, width, flush in zip(row, widths, is_left, strict=True)
        ]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:]))
