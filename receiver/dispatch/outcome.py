"""How one attempt of a handler ended, and whether and when the next one follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from receiver.errors import printable
from receiver.handlers.contract import Handler

_LONGEST_DETAIL = 500
#: The longest accepted wait; more overflows a date.
_LONGEST_WAIT = timedelta(days=365)


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: ``done``, ``skipped``, ``retrying`` or ``failed``, and why.

    It can always be written down: a text is cut and made storable, and a wait is a year at most.
    """

    state: str
    detail: str | None = None
    #: How long until the next attempt, while ``retrying``.
    after: timedelta | None = None
    milliseconds: int = 0

    def __post_init__(self) -> None:
        """Cut the detail and the wait to what can be stored."""
        if self.detail is not None:
            object.__setattr__(self, "detail", printable(self.detail[:_LONGEST_DETAIL]))
        if self.after is not None:
            object.__setattr__(self, "after", min(self.after, _LONGEST_WAIT))

    def with_wait(self, handler: Handler | None, attempts: int, schedule: Sequence[int], *, test: bool) -> Outcome:
        """Return *retrying* with its wait, or as *failed* if that was the last attempt; a test order has only one."""
        if self.state != "retrying":
            return self
        retries = handler.retries if handler and handler.retries is not None else len(schedule)
        if test or attempts > retries:
            return replace(self, state="failed", after=None)
        if self.after is not None and self.after > timedelta(0):
            return self
        wait = schedule[min(attempts, len(schedule)) - 1] if schedule else 60
        return replace(self, after=timedelta(seconds=wait))
