"""How one attempt of a handler ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from receiver.errors import printable

_LONGEST_DETAIL = 500
#: A longer wait is nobody's wish, and soon no date any more.
_LONGEST_WAIT = timedelta(days=365)


@dataclass(frozen=True)
class Outcome:
    """Says how an attempt ended: ``done``, ``skipped``, ``retrying`` or ``failed``, and why.

    Whatever a handler said, this can be written down: texts are cut and made storable, a wait is a year at most.
    """

    state: str
    detail: str | None = None
    #: How long until the next attempt, while ``retrying``.
    after: timedelta | None = None
    milliseconds: int = 0

    def __post_init__(self) -> None:
        """Make detail and wait fit to be written down."""
        if self.detail is not None:
            object.__setattr__(self, "detail", printable(self.detail[:_LONGEST_DETAIL]))
        if self.after is not None:
            object.__setattr__(self, "after", min(self.after, _LONGEST_WAIT))
