"""How long a receiver asks to wait: the header Retry-After (RFC 9110, section 10.2.3). Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longest Retry-After that is honoured, in seconds.
LONGEST_RETRY_AFTER = 24 * 3600


def retry_after_seconds(value: str, now: datetime) -> int | None:
    """Read the header, seconds or a date, cut to a day; None if it is neither.

    ``now`` is aware UTC.
    """
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = math.ceil((moment - now).total_seconds())
    return min(max(seconds, 0), LONGEST_RETRY_AFTER)
