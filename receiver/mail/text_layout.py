"""Lay out plain text on one line, or in lines of at most 72 columns; wide characters take two. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

COLUMNS = 72
#: In characters: a single value of an order can be a quarter of a megabyte.
LONGEST_LINE = 2_000
LONGEST_TEXT = 20_000
#: How many characters a column may take: a text of marks without width would never fill one.
_MARKS_A_COLUMN = 8
#: How many columns a right-hand text may take.
_RIGHT = 30
#: In columns: the indent of continued lines, and where labelled values begin.
_HANGING = 4
_LABEL = 12


def width(text: str) -> int:
    """Return how many columns a text takes: 2 for East Asian wide characters, 0 for combining and format marks."""
    return len(text) if text.isascii() else sum(map(_mark_width, text))


def cut(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; an ellipsis ends a longer one."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plain_line(text: object, most: int | None = None) -> str:
    """Return a text on one line, of at most ``most`` characters.

    Characters that can't be printed become spaces, such as line breaks and direction marks.
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
    return line if most is None else cut(line, most)


def wrap(text: object, indent: int = 0, columns: int = COLUMNS) -> str:
    """Wrap a text, with its own line breaks kept and each line indented. A word longer than a line is split."""
    room = columns - indent
    paragraphs = cut(str(text), LONGEST_TEXT).splitlines() or [""]
    lines = [line for paragraph in paragraphs for line in _filled(paragraph, room)]
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def columns(left: object, right: object = "") -> str:
    """Put one text at the left end of the line and another at its right end. A long left one continues below.

    Line breaks in them become spaces, so no value can look like a line of its own.
    """
    end = _flat(right)
    if width(end) > _RIGHT:
        return f"{wrap(_flat(left))}\n{wrap(end, _HANGING)}"
    first, *others = _filled(_flat(left), COLUMNS - max(width(end) + 2, _HANGING))
    gap = " " * (COLUMNS - width(first) - width(end))
    return "\n".join([(first + gap + end).rstrip(), *(" " * _HANGING + line for line in others)])


def labelled(label: str, value: object) -> str:
    """Put a label into a narrow left column and the value beside it. Without a value, return ""."""
    text = _flat(value) if value is not None else ""
    if not text:
        return ""
    first, *others = _filled(text, COLUMNS - _LABEL)
    return "\n".join([f"{label:<{_LABEL}}{first}", *(" " * _LABEL + line for line in others)])


def _flat(text: object) -> str:
    return cut(" ".join(str(text).split()), LONGEST_LINE)


def _filled(paragraph: str, room: int) -> list[str]:
    """Break one paragraph into lines of at most ``room`` columns. An empty paragraph is one empty line."""
    lines = [""]
    for word in _pieces(paragraph, room):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _pieces(paragraph: str, room: int) -> Iterator[str]:
    """Yield the words of a paragraph; those wider than ``room`` in several pieces."""
    for word in paragraph.split():
        if word.isascii() and len(word) <= room:
            yield word
            continue
        piece, used = "", 0
        for mark in word:
            if used + _mark_width(mark) > room or len(piece) >= room * _MARKS_A_COLUMN:
                yield piece
                piece, used = "", 0
            piece, used = piece + mark, used + _mark_width(mark)
        yield piece


@lru_cache(1024)
def _mark_width(mark: str) -> int:
    if unicodedata.combining(mark) or unicodedata.category(mark) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(mark) in {"W", "F"} else 1
