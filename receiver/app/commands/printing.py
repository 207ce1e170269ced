"""How commands print: a table for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from receiver import errors
from receiver.app.components import current_kit
from receiver.mail.text_layout import plain_line

#: Most characters of a cell. Every line of a table is as wide as its widest one.
_LONGEST_CELL = 300

#: Controls that JSON doesn't escape: DEL, U+0080 on (U+009B begins a terminal command), and marks of direction.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

Item = TypeVar("Item")

#: For a command that prints a table.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
#: For a command that prints JSON anyway.
always_json = click.option(
    "--json", "_as_json", is_flag=True, help="Accepted for consistency; the output is always JSON."
)


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print rows that have the same keys, as a table or JSON; ``empty`` is printed instead of an empty table.

    A table leaves columns out that no row has a value for, and times, of columns named ``…_at``, are those of TIMEZONE.
    """
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(empty)
        return
    names = [str(name) for name in rows[0] if any(row[name] is not None for row in rows)]
    lines = [names, *([_cell(name, row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


def print_json(value: object) -> None:
    """Print one value as JSON. Escapes what controls a terminal, which a sender may have put in an order."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(_STEERING.sub(lambda mark: f"\\u{ord(mark[0]):04x}", text))


def say(text: object, *, bold: bool = False) -> None:
    """Print a line that may hold a sender's text, with question marks for characters that control a terminal."""
    click.secho(errors.printable(str(text)), bold=bold or None)


def print_as_they_come(items: Iterable[Item], line_of: Callable[[Item], str], *, as_json: bool) -> list[Item]:
    """Print a line for each item as soon as it comes, or all of them as JSON at the end; return them all."""
    seen = []
    for item in items:
        seen.append(item)
        if not as_json:
            click.echo(line_of(item))
    if as_json:
        print_json([vars(item) for item in seen])
    return seen


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at") and value:
        when = datetime.fromisoformat(str(value)).astimezone(ZoneInfo(current_kit().settings.TIMEZONE))
        return f"{when:%d %b %Y %H:%M}"
    return plain_line(value, most=_LONGEST_CELL)
