"""Blank one person in the CSV file of orders: their rows stay, with spaces where the person was."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from receiver.errors import Unavailable
from receiver.orders.email_addresses import normalised

#: Headings of the columns that identify a person.
_PERSON = frozenset({"email", "first_name", "last_name", "company", "country", "payment_reference"})
_CELL = re.compile(rb'(?:^|,)("(?:[^"]|"")*"|[^,\r\n]*)')
#: What append_csv puts before an address that a spreadsheet would take for a formula. Others may begin with one too.
_APOSTROPHE = re.compile("^'(?=[=+@-])")

#: Where a cell begins and ends.
Span = tuple[int, int]


def count(path: str, email: str) -> int:
    """Return how many rows this person has; 0 without a file. Raises Unavailable when it can't be read.

    Waits for whoever is writing, so that a half-written row isn't missed.
    """
    return sum(1 for _ in _found(path, email, "rb", fcntl.LOCK_SH))


def blank(path: str, email: str) -> int:
    """Write spaces over the cells that identify this person and return the number of rows.

    Each cell keeps its length, so nothing else moves: neither a crash nor a row appended meanwhile spoils the file.
    Raises Unavailable when it can't be written.
    """
    rows = 0
    for file, spans in _found(path, email, "r+b", fcntl.LOCK_EX):
        for start, end in spans:
            os.pwrite(file.fileno(), b" " * (end - start), start)
        os.fsync(file.fileno())
        rows += 1
    return rows


def _found(path: str, email: str, mode: str, lock: int) -> Iterator[tuple[IO[Any], list[Span]]]:
    """Yield, for each of the person's rows, where the cells that identify them are; the file stays locked."""
    if not path or not Path(path).exists():
        return
    try:
        with Path(path).open(mode) as file:
            fcntl.flock(file, lock)
            heading = file.readline()
            names = [_text(heading, span) for span in _spans(heading)]
            by = names.index("email") if "email" in names else len(heading)
            offset = len(heading)
            for line in file:
                cells = _spans(line)
                if by < len(cells) and email in _addresses(_text(line, cells[by])):
                    theirs = (span for name, span in zip(names, cells, strict=False) if name in _PERSON)
                    yield file, [(offset + start, offset + end) for start, end in theirs]
                offset += len(line)
    except OSError as error:
        raise Unavailable(f"The CSV file {path} cannot be changed: {error.strerror}.") from error


def _addresses(cell: str) -> set[str]:
    """Return the addresses that a cell may be: as it's there, and without the apostrophe before a formula's sign."""
    return {normalised(cell), normalised(_APOSTROPHE.sub("", cell))}


def _text(line: bytes, span: Span) -> str:
    return line[slice(*span)].strip(b'"').decode("utf-8-sig", "replace")


def _spans(line: bytes) -> list[Span]:
    return [cell.span(1) for cell in _CELL.finditer(line)]
