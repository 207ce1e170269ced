"""The samples that this process sends to itself: which POSTs they are, and what became of each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

#: Its value is known to nobody but the process that sends a sample, for as long as it waits for the answer.
HEADER = "x-order-sample"


class Samples:
    """The samples on their way, by a value that only this process knows."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Any] = {}

    def expect(self) -> str:
        """Return the value of the header for one sample; `take` must follow."""
        token = secrets.token_hex(16)
        self._outcomes[token] = None
        return token

    def is_one(self, headers: Mapping[str, str]) -> bool:
        """Return whether a POST with these headers, by lower-case name, is a sample that is expected."""
        return headers.get(HEADER) in self._outcomes

    def note(self, headers: Mapping[str, str], outcome: Any) -> None:
        """Note what became of a sample, or the error that it ended in."""
        if self.is_one(headers):
            self._outcomes[headers[HEADER]] = outcome

    def take(self, token: str) -> Any:
        """Return what became of a sample, None if it didn't arrive; it isn't expected any more."""
        return self._outcomes.pop(token)
