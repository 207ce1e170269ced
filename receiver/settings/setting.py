"""One setting: its name, type, default, meaning and check, and how its text in the environment is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from receiver.errors import ConfigurationError

PREFIX = "RECEIVER_"
#: How a value of each type is written in the file.
_IN_TOML = {
    bool: "true or false, without quotes",
    int: "a whole number such as 25, without quotes",
    str: 'a text in quotes, such as "text"',
    list: 'a list in brackets, such as [60, 300] or ["one", "two"]',
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Describes one setting; its type is its default's."""

    name: str
    default: Any
    meaning: str
    #: Whether nobody is shown its value.
    is_secret: bool = False
    #: Whether handlers are shown it nevertheless, since one of them works with it.
    is_for_handlers: bool = False
    #: Gives what is wrong with a value of the right type, or None.
    check: Callable[[Any], str | None] = field(default=lambda _value: None)

    def from_text(self, text: str) -> Any:
        """Read the setting from an environment variable's text; raises ConfigurationError."""
        if isinstance(self.default, bool):
            return self._boolean(text)
        try:
            if isinstance(self.default, list):
                parts = [part.strip() for part in text.split(",") if part.strip()]
                return list(map(int, parts)) if self.default and isinstance(self.default[0], int) else parts
            return int(text) if isinstance(self.default, int) else text
        except ValueError:
            wanted = "whole numbers with commas between" if isinstance(self.default, list) else "a whole number"
            raise ConfigurationError(f"{PREFIX}{self.name} must be {wanted}.") from None

    def problem(self, value: Any) -> str | None:
        """Give one sentence on what is wrong with the value and how to mend it, or None."""
        if type(value) is not type(self.default):
            return f"{self.name} must be {_IN_TOML[type(self.default)]}."
        wrong = self.check(value)
        return f"{self.name} {wrong}." if wrong else None

    def _boolean(self, text: str) -> bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.strip().lower() not in words:
            raise ConfigurationError(f"{PREFIX}{self.name} must be true or false.")
        return words[text.strip().lower()]
