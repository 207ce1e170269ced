"""Every setting once: its name, its default, what is said of it; and how its text in the environment is read."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.settings.environment import from_text
from receiver.settings.model import SETTINGS, Settings, plain


def test_every_default_passes_its_own_check() -> None:
    assert Settings(**{name: plain(field.default) for name, field in SETTINGS.items()}) == Settings()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_example_passes_its_own_check(name: str) -> None:
    for example in SETTINGS[name].examples or []:
        if name != "SHARED_SECRETS":
            Settings(**{name: plain(example)})


def test_defaults_can_be_written_in_toml() -> None:
    """The types of all defaults are TOML's own, so a file can hold what the code holds."""
    assert {type(plain(field.default)) for field in SETTINGS.values()} == {str, bool, int, list}


def test_every_setting_says_what_it_means_in_one_line() -> None:
    assert [name for name, field in SETTINGS.items() if not field.description or "\n" in field.description] == []


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("Yes", True), ("1", True), ("no", False), (" 0 ", False)])
def test_a_switch_is_read_from_words(text: str, meant: bool) -> None:
    assert from_text(bool, text) is meant


@pytest.mark.parametrize("text", ["on", "", "2"])
def test_any_other_word_is_no_switch(text: str) -> None:
    assert from_text(bool, text) == text


@pytest.mark.parametrize(
    ("annotation", "text", "meant"),
    [
        (tuple[int, ...], "60, 300,", [60, 300]),
        (tuple[int, ...], "60,soon", [60, "soon"]),
        (tuple[str, ...], "60, soon", ["60", "soon"]),
        (int, "60", 60),
        (int, "soon", "soon"),
        (str, "60", "60"),
    ],
)
def test_lists_and_numbers_are_read_by_their_type(annotation: Any, text: str, meant: Any) -> None:
    assert from_text(annotation, text) == meant
