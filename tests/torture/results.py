"""What came of a test: counts that add up over pieces and runs, and the lines of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from docs.generate.figures import aligned

HEAD = ("test", "store", "tried", "lost", "doubled", "rightly refused", "500", "note")


@dataclass(frozen=True)
class Result:
    """The counts of one test on one store, or of a piece of it."""

    #: What was done to the kit so many times: kills, deliveries, failures.
    tried: int = 0
    #: What was acknowledged and isn't there, or was never finished.
    lost: int = 0
    #: Rows and handlers' work that are there more than once, and emails beyond what's promised.
    doubled: int = 0
    #: Answers that say so, and are right to: the sender sends again.
    refused: int = 0
    #: Answers of 500, and any others that are wrong.
    errors: int = 0
    #: What else is counted, by its words.
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.errors)

    def __add__(self, other: Result) -> Result:
        notes = {name: self.notes.get(name, 0) + other.notes.get(name, 0) for name in {**self.notes, **other.notes}}
        counts = [field.name for field in fields(Result) if field.name != "notes"]
        return Result(**{name: getattr(self, name) + getattr(other, name) for name in counts}, notes=notes)


def table(results: Mapping[tuple[str, str], Result]) -> str:
    """Return the results by test and store as a table in Markdown."""
    rows: list[Sequence[str]] = [HEAD]
    for (test, store), result in results.items():
        counts = result.tried, result.lost, result.doubled, result.refused, result.errors
        note = ", ".join(f"{number:,} {words}" for words, number in result.notes.items() if number)
        rows.append([test, store, *(f"{count:,}" for count in counts), note])
    return aligned(rows, left=2, last_left=True)
