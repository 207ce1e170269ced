"""Rows of a CSV file in which a spreadsheet sees text and numbers, and never a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from receiver.mail.text_layout import plain_line

#: The mark by which Excel knows UTF-8, at the start of a file.
BOM = b"\xef\xbb\xbf"
#: Where a spreadsheet may see a formula (OWASP, "CSV injection"): at the start of a cell, and after what some take for
#: the end of one. Full-width signs count too.
_FORMULA = re.compile('(^|;[" ]*)(?=[=+@\uff1d\uff0b\uff0d\uff20-])')


def cell(value: object) -> str:
    """Return a value on one line, in which no spreadsheet sees a formula."""
    return "" if value is None else _FORMULA.sub(r"\1'", plain_line(value))


def encoded(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows of cells as they stand in a file."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
