"""One rule of a mapping: where it finds its values, and how it turns them into the value of one field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from receiver.orders import conversions
from receiver.orders.names import target_of


@dataclass(frozen=True)
class Rule:
    """A rule that fills a field from its first parameter that isn't empty, or else from a constant."""

    part: str
    field: str
    #: Names of parameters or JSONPaths; for an item's field they hold the row's place (see ``lookup``).
    names: tuple[str, ...] = ()
    constant: str | None = None
    #: strptime forms, tried in turn.
    dates: tuple[str, ...] = ()
    zone: ZoneInfo | None = None
    #: ``s`` or ``ms`` since 1970.
    epoch: str | None = None
    #: What separates the decimals.
    decimal: str | None = None
    #: The amount is in the currency's smallest unit, such as cents.
    minor: bool = False
    rounds: bool = False
    negates: bool = False
    #: The parameter that the amount is divided by.
    divisor: str | None = None
    #: All values are added.
    sums: bool = False
    #: What stands between the values of all names, which are joined; None where the first name alone counts.
    joint: str | None = None
    #: ``first`` or ``last`` part of a whole name.
    split: str | None = None
    #: Foreign word in small letters -> ours.
    words: tuple[tuple[str, str], ...] = ()
    #: What every other word means.
    other: str | None = None
    #: What it means that there is any value.
    present: str | None = None
    #: The rule holds only where each of these parameters has one of the words.
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: For the options of an item: the keys that may hold their name, and their value.
    pair: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    @property
    def is_of_items(self) -> bool:
        """Return whether the rule feeds one field per item."""
        return self.part in ("items", "options")

    @property
    def slot(self) -> tuple[str, str]:
        """The part and the field that the rule feeds."""
        return self.part, self.field

    @property
    def target(self) -> str:
        """The path that the mapping table names, such as ``items[].name``."""
        return target_of(self.slot)

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Every name that the rule looks at."""
        return (*self.names, *([self.divisor] if self.divisor else ()), *(name for name, _ in self.when))

    def value_of(self, found: Sequence[Sequence[str]], currency: str | None, divisor: str = "") -> str:
        """Return the field's text, made from each name's values: none is empty, and the first name has some.

        What can't be converted is passed on as it came, for the parser to judge.
        """
        if self.sums:
            return self._converted(
                conversions.sum_text([self._plain(v) for vs in found for v in vs]), currency, divisor
            )
        if self.joint is not None:
            return self._converted(self.joint.join(values[0] for values in found), currency, divisor)
        converted = [self._converted(self._plain(value), currency, divisor) for value in found[0]]
        return ", ".join(dict.fromkeys(converted))

    def _plain(self, value: str) -> str:
        """Return a single value with its words, decimals and date in the contract's form."""
        if self.present is not None:
            return self.present
        word = dict(self.words).get(value.lower(), self.other)
        if word is not None:
            return word
        if self.decimal is not None:
            return conversions.decimal_text(value, self.decimal)
        if self.epoch is not None:
            return conversions.epoch_text(value, self.epoch)
        return conversions.date_text(value, self.dates, self.zone or ZoneInfo("UTC")) if self.dates else value

    def _converted(self, value: str, currency: str | None, divisor: str) -> str:
        if self.split is not None:
            value = conversions.split_text(value, self.split)
        if self.minor:
            value = conversions.minor_text(value, currency)
        if self.divisor is not None:
            value = conversions.divided_text(value, divisor)
        if self.negates:
            value = conversions.negated_text(value)
        return conversions.rounded_text(value, currency) if self.rounds else value
