"""Texts on which a regular expression may take long, made from what it repeats."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

# Python's own reading of a pattern; it has no public one.
from re import _constants as code
from re import _parser as parser
from typing import Any, NamedTuple

from tests.effort import assert_linear, seconds

_REPEATS = {code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT}
#: How often what is repeated a fixed number of times is written in an example.
_MOST_REPEATED = 3
#: Ends that keep a match from succeeding, and one that doesn't.
_ENDS = ("", "\0", "!")
#: Texts are made longer step by step, from so many repeats, so that what doubles with each is found while it's short.
_FEWEST, _STEP = 10, 1.4
#: What takes no longer, in seconds, isn't looked at again, nor what takes no longer for each letter.
_MOMENT, _FOR_A_LETTER = 0.005, 0.05 / 32_000
#: A letter of each category, and one outside of it.
_CATEGORIES = {
    code.CATEGORY_DIGIT: "7",
    code.CATEGORY_NOT_DIGIT: "x",
    code.CATEGORY_SPACE: " ",
    code.CATEGORY_NOT_SPACE: "x",
    code.CATEGORY_WORD: "w",
    code.CATEGORY_NOT_WORD: "-",
}
_CLASSES = {
    code.CATEGORY_DIGIT: r"\d",
    code.CATEGORY_NOT_DIGIT: r"\D",
    code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S",
    code.CATEGORY_WORD: r"\w",
    code.CATEGORY_NOT_WORD: r"\W",
}
#: Of a set, so many letters are tried.
_MOST_LETTERS = 4
_ANY = " aA0-_.,:;=&@/\\\"'<>[](){}*+%#!\0\n\x80é"


class Pump(NamedTuple):
    """A text of any length: a head, what's repeated, and an end."""

    head: str
    middle: str
    end: str

    def text(self, size: int) -> str:
        return self.head + self.middle * (size // len(self.middle)) + self.end


def pumps(pattern: re.Pattern[Any]) -> set[Pump]:
    """Return texts for a pattern: each of its repeats pumped behind what must come before it, and its examples."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    found = (
        {("", "x")}
        | {(head, middle) for head, middle in _repeats(list(tree), "")}
        | {("", one) for one in _examples(list(tree))}
    )
    found |= {("", middle) for _, middle in found} | {("", middle[:-1]) for _, middle in found}
    return {Pump(head, middle, end) for head, middle in found if middle for end in _ENDS}


def slowest(pattern: re.Pattern[Any], methods: Iterable[str], size: int, most_texts: int = 10_000) -> tuple[float, int]:
    """Try a pattern on its texts, or on so many of them; return the most seconds that one took, and their number.

    Raises AssertionError for a text on which it takes more than in proportion to the size.
    """
    most, tried = 0.0, 0
    texts = sorted(pumps(pattern))
    for pump in texts[:: len(texts) // most_texts + 1]:
        for method in methods:
            try:
                took = _stepped_up(partial(_run, pattern, method, pump), len(pump.middle) * _FEWEST, size)
            except AssertionError as error:
                raise AssertionError(f"{method} of {pattern.pattern!r} on {pump}: {error}") from None
            most, tried = max(most, took), tried + 1
    return most, tried


def _stepped_up(run: Callable[[int], None], least: int, size: int) -> float:
    """Return the seconds that it takes for a size; raises AssertionError once it grows by more than the text does."""
    steps = [size]
    while steps[-1] > least:
        steps.append(int(steps[-1] / _STEP))
    for part in reversed(steps):
        took = seconds(partial(run, part))
        if took > max(_MOMENT, _FOR_A_LETTER * part):
            assert_linear(run, part, _MOMENT / 5)
    return took


def _run(pattern: re.Pattern[Any], method: str, pump: Pump, size: int) -> None:
    text = pump.text(size)
    found = getattr(pattern, method)(text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace"))
    if method == "finditer":
        deque(found, 0)


def _repeats(nodes: list[Any], head: str) -> Iterator[tuple[str, str]]:
    """Yield what's repeated without a small limit, behind an example of all before it."""
    for number, (kind, argument) in enumerate(nodes):
        before = head + _example(nodes[:number])
        if kind in _REPEATS:
            _, most, body = argument
            for one in _examples(list(body)):
                if most > _MOST_REPEATED:
                    yield before, one
                    # What follows may match the same: then there are many ways to part a text.
                    yield before, one + _example(nodes[number + 1 :])
        for branch in _branches(kind, argument):
            yield from _repeats(branch, before)


def _branches(kind: Any, argument: Any) -> list[list[Any]]:
    """Return the lists of nodes that are in a node."""
    if kind in _REPEATS:
        return [list(argument[2])]
    if kind is code.BRANCH:
        return [list(one) for one in argument[1]]
    if kind is code.SUBPATTERN:
        return [list(argument[3])]
    if kind in {code.ASSERT, code.ASSERT_NOT}:
        return [list(argument[1])]
    if kind is code.ATOMIC_GROUP:
        return [list(argument)]
    return []


def _example(nodes: list[Any]) -> str:
    return "".join(_examples([one])[0] for one in nodes)


def _examples(nodes: list[Any]) -> list[str]:
    """Return texts that match, or nearly: each way of each node once, with the first way of the others."""
    ways = [_ways(kind, argument) for kind, argument in nodes]
    first = [one[0] for one in ways]
    others = [
        "".join([*first[:number], way, *first[number + 1 :]]) for number, own in enumerate(ways) for way in own[1:]
    ]
    return ["".join(first), *others]


def _ways(kind: Any, argument: Any) -> list[str]:
    if kind is code.LITERAL:
        return [chr(argument)]
    if kind in {code.NOT_LITERAL, code.ANY}:
        return [one for one in _ANY if kind is code.ANY or ord(one) != argument]
    if kind is code.IN:
        return _letters(argument)
    if kind in _REPEATS:
        least, most, body = argument
        times = max(least, min(most, 1))
        return [one * times for one in _examples(list(body))]
    if kind in {code.AT, code.ASSERT_NOT, code.GROUPREF}:
        return [""]
    if kind is code.ASSERT:  # what must come next, or before, isn't a part of the match
        return [""]
    return [one for branch in _branches(kind, argument) for one in _examples(branch)] or [""]


def _letters(members: list[Any]) -> list[str]:
    """Return a few letters of a set, or outside of it if it's negated."""
    if members[0][0] is code.NEGATE:
        outside = [one for one in _ANY if not any(_holds(member, one) for member in members[1:])]
        return outside[:_MOST_LETTERS] or ["\U0001f600"]
    found = [letter for member in members for letter in _of_member(*member)]
    return list(dict.fromkeys(found))[:_MOST_LETTERS]


def _of_member(kind: Any, argument: Any) -> list[str]:
    if kind is code.LITERAL:
        return [chr(argument)]
    return [chr(one) for one in argument] if kind is code.RANGE else [_CATEGORIES[argument]]


def _holds(member: Any, letter: str) -> bool:
    kind, argument = member
    if kind is code.CATEGORY:
        return re.match(_CLASSES[argument], letter) is not None
    first, last = argument if kind is code.RANGE else (argument, argument)
    return bool(first <= ord(letter) <= last)
