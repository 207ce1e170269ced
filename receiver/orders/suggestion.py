"""One suggested rule of a mapping, and what suggestions are made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from receiver.orders.item_rows import ItemRows
from receiver.orders.likeness import LEAST, Name, is_envelope
from receiver.orders.names import KINDS, target_of
from receiver.orders.toml_lines import toml_line
from receiver.orders.value_clues import Conversion, conversion
from receiver.orders.values import is_nothing

#: A field as part and name.
Slot = tuple[str, str]
#: One in a list may be one of several.
_IN_A_LIST = 0.8
#: So many values are tried, because trying a date takes its time.
_MOST_READ = 10


@dataclass(frozen=True)
class Suggestion:
    """One rule that might be meant."""

    #: The path that a mapping table names, such as ``items[].name``.
    field: str
    #: Of a form that config.toml takes.
    rule: str | dict[str, Any]
    #: What to check about it.
    note: str | None = None

    def as_toml(self) -> str:
        """Return the line for config.toml."""
        return toml_line(self.field, self.rule) + (f"  # {self.note}" if self.note else "")


@dataclass(frozen=True)
class Single:
    """A parameter that stands for itself, not for one of several rows."""

    name: Name
    value: str

    @property
    def text(self) -> str:
        """Its name as it was sent."""
        return self.name.text

    @property
    def is_in_a_list(self) -> bool:
        """Return whether it's the first of a list that isn't an order's only part."""
        lists = self.text.split("[0]")[:-1]
        return not all(is_envelope(one) for one in lists)


@dataclass(frozen=True)
class Body:
    """What one body holds, as suggestions look at it."""

    singles: tuple[Single, ...]
    rows: ItemRows | None
    #: What is fed without suggestions, with its text; for items the first one's.
    fed: dict[Slot, str]
    #: What separates the decimals.
    point: str
    #: Every value.
    texts: Sequence[str]
    #: Whether it says of which event it tells, so that an id at its top is the event's.
    is_event: bool = False
    #: Whether its amounts are in minor units: None if not, else what to check about it.
    minor_units: str | None = None

    @cached_property
    def said(self) -> tuple[Single, ...]:
        """The single parameters that have a value."""
        return tuple(one for one in self.singles if one.value)


def single_of(name: str, value: str) -> Single:
    """Return a single parameter; a value that says nothing is empty."""
    return Single(Name(name), "" if is_nothing(value) else value.strip())


def sureness(one: Single, score: float) -> float:
    """Return a name's likeness, less if it stands in a list."""
    return score * _IN_A_LIST if one.is_in_a_list else score


def suggestion(slot: Slot, names: str | list[str], how: Conversion) -> Suggestion:
    """Return the rule that reads a field from one name or several."""
    rule = names if isinstance(names, str) and not how.keys else {"from": names, **how.keys}
    return Suggestion(target_of(slot), rule, how.note)


def best_read(slot: Slot, ranked: Iterable[tuple[float, Single]], point: str) -> Suggestion | None:
    """Return the rule for the likeliest name whose value can be read as the field."""
    for score, one in sorted(ranked, key=lambda pair: -pair[0])[:_MOST_READ]:
        if score < LEAST:
            break
        if (how := conversion(KINDS[slot], [one.value], point)) is not None:
            return suggestion(slot, one.text, how)
    return None
