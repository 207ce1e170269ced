"""No regular expression of the package takes more than in proportion to a text, whatever that is.

`make fuzz` tries them on texts of 100 kB.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fuzz import patterns
from tests.fuzz.pumping import slowest

#: Letters of a text, and texts for a pattern.
SIZE, TEXTS = 2_000, 60
SEARCH = {"search"}


def test_every_pattern_of_the_package_is_linear() -> None:
    tried = [slowest(one.pattern, one.methods, SIZE, TEXTS)[1] for one in patterns.patterns()]
    assert len(tried) > 200
    assert min(tried) > 0
    assert sum(tried) > 5_000


@pytest.mark.parametrize(
    "slow",
    [
        *("a*a*b", r"\s+$", r"(\w+,)*!", "a.*b.*c"),  # its square
        *("(a|a)*b", "(a+)+b", r"^(?:\s|;|/\*.*?\*/)*END"),  # twice as long for each letter
    ],
)
def test_one_that_is_not_linear_is_found_out(slow: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(f"search of {slow!r} on ")):
        slowest(re.compile(slow), SEARCH, SIZE)
    with pytest.raises(AssertionError):
        slowest(re.compile(slow.encode()), SEARCH, SIZE)


@pytest.mark.parametrize("quick", ["(?<!a)a*+b", "(?>a|a)b", "^(?:a|b)*+c", "[a-z]+", r"(?<!\s)\s++$"])
def test_one_that_is_linear_is_not(quick: str) -> None:
    assert slowest(re.compile(quick), SEARCH, SIZE)[0] < 1


NEW = r'''
"""A module that somebody has just added."""

import re

AT_THE_TOP = re.compile(r"a+b", re.IGNORECASE)


class Reader:
    inside = re.compile(rb"b+c", flags=re.DOTALL)

    def read(self, text):
        if re.search("c+d", text):
            return [re.sub("d+e", "", part) for part in re.split("e+f", text)]
        return re.findall("f+g", text) and self.inside.match(text) and AT_THE_TOP.fullmatch(text)
'''


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(patterns, "ROOT", tmp_path)
    module = tmp_path / "deep" / "down.py"
    module.parent.mkdir()
    module.write_text(NEW, "utf-8")
    return module


@pytest.mark.usefixtures("added")
def test_whatever_is_added_anywhere_in_the_package_is_found() -> None:
    found = {one.pattern.pattern: (int(one.pattern.flags & ~re.UNICODE), {*one.methods}) for one in patterns.patterns()}
    expected: dict[str | bytes, tuple[int, set[str]]] = {
        "a+b": (int(re.IGNORECASE), {"fullmatch"}),
        b"b+c": (int(re.DOTALL), {"match"}),
        "c+d": (0, {"search"}),
        **dict.fromkeys(("d+e", "e+f", "f+g"), (0, {"finditer"})),
    }
    assert found == expected


@pytest.mark.parametrize("line", ["from re import compile", "import re as regex", "from re import sub as replace"])
def test_one_that_could_not_be_found_is_refused(added: Path, line: str) -> None:
    added.write_text(f"{line}\n", "utf-8")
    with pytest.raises(NameError, match=r"deep\.down:1: write `import re`"):
        list(patterns.patterns())


def test_one_whose_parts_nobody_gave_a_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_MADE_IN_FUNCTIONS", {})
    with pytest.raises(NameError):
        list(patterns.patterns())
