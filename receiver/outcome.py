"""How one attempt of a handler ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Outcome:
    """Says how an attempt ended: ``done``, ``skipped``, ``retrying`` or ``failed``, and why."""

    state: str
    detail: str | None = None
    #: How long until the next attempt, while ``retrying``.
    after: timedelta | None = None
    milliseconds: int = 0
