"""A limit on guessing secrets: how many POSTs of one source and address weren't verified in the last minute."""

from __future__ import annotations

import threading
from collections import OrderedDict

from receiver.security.guesses import network

#: So many are answered 401 in a minute, those beyond 429.
MOST = 20
_SECONDS = 60.0
#: Sources with addresses that are remembered; the one that has been here longest goes first.
_REMEMBERED = 4096


class Failures:
    """The POSTs that weren't verified, of this process alone: several processes allow several times as many.

    Nothing is asked here before a secret is looked at, so a right one always passes.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        #: Source and address -> when the minute began, and how many came in it.
        self._counts: OrderedDict[tuple[str, str | None], tuple[float, int]] = OrderedDict()

    def count(self, source: str, address: str | None, now: float) -> tuple[int, int]:
        """Count one more; return how many are too many, and how many seconds the minute still lasts.

        ``now`` is a time of the monotonic clock, in seconds.
        """
        key = (source, network(address))
        with self._mutex:
            began, count = self._counts.get(key, (now, 0))
            if now - began >= _SECONDS:
                began, count = now, 0
                self._counts.pop(key)
            self._counts[key] = (began, count + 1)
            if len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
        return max(0, count + 1 - MOST), max(1, round(began + _SECONDS - now))
