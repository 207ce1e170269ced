"""The received names that Map parameters offers to choose from."""

from __future__ import annotations

import json
from dataclasses import dataclass

from receiver.orders import Fields
from receiver.orders.likeness import item_pattern

_MOST_CHOICES = 100
_LONGEST_CHOICE = 200
_LONGEST_SAMPLE = 40


@dataclass(frozen=True)
class Choice:
    """One received name, or the pattern of an item's, with its first value."""

    names: tuple[str, ...]
    sample: str = ""

    @property
    def key(self) -> str:
        """Return it in plain letters, as an option's value: a browser would change a line break in a name."""
        return json.dumps(self.names)


def choices(fields: Fields, *, of_items: bool) -> list[Choice]:
    """Return the received names that a field can be fed from, in their order."""
    found: dict[str, str] = {}
    for name, value in fields:
        pattern = item_pattern(name) if of_items else name
        if pattern and len(pattern) <= _LONGEST_CHOICE and not found.get(pattern):
            found[pattern] = value.strip()[:_LONGEST_SAMPLE]
    return [Choice((name,), sample) for name, sample in list(found.items())[:_MOST_CHOICES]]
