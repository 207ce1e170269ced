"""Take one person out of the CSV file of orders: their rows stay, with blanks where the person stood."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from receiver.errors import Unavailable
from receiver.orders.email_addresses import normalised

#: Columns, by their heading, that tell of a person.
_PERSON = frozenset({"email", "first_name", "last_name", "company", "country", "payment_reference"})
_CELL = re.compile(rb'"(?:[^"]|"")*"|[^,\r\n]*')

Span = tuple[int, int]


def count(path: str, email: str) -> int:
    """Count the rows of this person; none without a file. Raises Unavailable when it cannot be read."""
    return sum(1 for _ in _found(path, email, "rb"))


def blank(path: str, email: str) -> int:
    """Write blanks over the cells that tell of this person and give how many rows had any.

    Each cell keeps its length, so nothing else moves: whoever appends meanwhile, or a crash, spoils no row. Raises
    Unavailable when the file cannot be written.
    """
    rows = 0
    for file, spans in _found(path, email, "r+b"):
        for start, end in spans:
            os.pwrite(file.fileno(), b" " * (end - start), start)
        os.fsync(file.fileno())
        rows += 1
    return rows


def _found(path: str, email: str, mode: str) -> Iterator[tuple[IO[Any], list[Span]]]:
    """Yield, for each row of the person, the places in the file of what tells of them; the file is locked meanwhile."""
    if not path or not Path(path).exists():
        return
    try:
        with Path(path).open(mode) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            heading, offset = file.readline(), 0
            names = [name.decode("utf-8-sig", "replace") for name in _cells(heading)]
            theirs = [number for number, name in enumerate(names) if name in _PERSON]
            offset = len(heading)
            for line in file:
                spans = list(_spans(line))
                if "email" in names and _is_of(line, spans, names.index("email"), email):
                    yield file, [(offset + spans[n][0], offset + spans[n][1]) for n in theirs if n < len(spans)]
                offset += len(line)
    except OSError as error:
        raise Unavailable(f"The CSV file {path} cannot be changed: {error.strerror}.") from error


def _is_of(line: bytes, spans: list[Span], number: int, email: str) -> bool:
    if number >= len(spans):
        return False
    start, end = spans[number]
    cell = line[start:end].strip(b'"').decode("utf-8", "replace").lstrip("'")  # as spreadsheets are kept from formulas
    return normalised(cell) == email


def _cells(line: bytes) -> list[bytes]:
    return [line[start:end].strip(b'"') for start, end in _spans(line)]


def _spans(line: bytes) -> Iterator[Span]:
    """Yield where each cell of a row begins and ends."""
    position = -1
    while position < len(line) and (position < 0 or line[position : position + 1] == b","):
        found = _CELL.match(line, position + 1)
        if found is None:
            return
        yield found.span()
        position = found.end()
