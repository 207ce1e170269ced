"""Every setting once: its name, its default, what is said of a wrong value."""

from __future__ import annotations

import pytest

from receiver.errors import ConfigurationError
from receiver.settings.definitions import SETTINGS
from receiver.settings.setting import Setting

NUMBER = Setting(name="NUMBER", default=4, meaning="", check=lambda value: None if value > 0 else "must be above 0")
SWITCH = Setting(name="SWITCH", default=False, meaning="")


def test_every_default_passes_its_own_check() -> None:
    assert [setting.name for setting in SETTINGS if setting.problem(setting.default)] == []


def test_a_setting_without_a_check_takes_every_value_of_its_type() -> None:
    assert Setting(name="X", default="", meaning="").problem("anything") is None


def test_defaults_can_be_written_in_toml() -> None:
    """The types of all defaults are TOML's own, so a file can hold what the code holds."""
    assert {type(setting.default) for setting in SETTINGS} == {str, bool, int, list}


def test_no_name_stands_twice() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_a_wrong_value_is_named_with_its_setting() -> None:
    assert NUMBER.problem(0) == "NUMBER must be above 0."
    assert NUMBER.problem(1) is None


def test_a_value_of_another_type_is_named_with_an_example() -> None:
    assert NUMBER.problem("4") == "NUMBER must be a whole number such as 25, without quotes."
    assert NUMBER.problem(True) == "NUMBER must be a whole number such as 25, without quotes."
    assert SWITCH.problem(1) == "SWITCH must be true or false, without quotes."


@pytest.mark.parametrize(("text", "value"), [("true", True), ("Yes", True), ("1", True), ("no", False), (" 0 ", False)])
def test_a_switch_is_read_from_words(text: str, value: bool) -> None:
    assert SWITCH.from_text(text) is value


@pytest.mark.parametrize("text", ["on", "", "2"])
def test_any_other_word_is_no_switch(text: str) -> None:
    with pytest.raises(ConfigurationError, match="RECEIVER_SWITCH must be true or false"):
        SWITCH.from_text(text)


def test_every_setting_says_what_it_means_in_one_line() -> None:
    assert [setting.name for setting in SETTINGS if not setting.meaning or "\n" in setting.meaning] == []


def test_a_list_of_numbers_is_read_with_commas_between() -> None:
    schedule = Setting(name="SCHEDULE", default=[60], meaning="")
    assert schedule.from_text("60, 300,") == [60, 300]
    with pytest.raises(ConfigurationError, match="RECEIVER_SCHEDULE must be whole numbers with commas between"):
        schedule.from_text("60,soon")
