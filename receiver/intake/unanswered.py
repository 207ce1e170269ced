"""The alert about POSTs in quarantine whose shop can't be asked: they're deleted when their day is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.intake.quarantine import KEPT_FOR
from receiver.mail.notices import Trouble
from receiver.storage.columns import milliseconds
from receiver.storage.models import QuarantineRow

#: How long a shop may be out of reach before the merchant hears of it.
_PATIENCE = timedelta(hours=1)


def standing(session: Session, now: datetime) -> list[Trouble]:
    """Return a problem for each source with POSTs that have waited for an hour, and got no answer."""
    columns = QuarantineRow.source, QuarantineRow.received_at, QuarantineRow.detail
    late = QuarantineRow.detail.is_not(None), QuarantineRow.received_at <= now - _PATIENCE
    rows = session.execute(select(*columns).where(*late).order_by(*columns)).all()
    by_source = {source: list(group) for source, group in groupby(rows, lambda row: str(row.source))}
    return [
        _of_source(source, len(group), group[-1].received_at, str(group[-1].detail))
        for source, group in by_source.items()
    ]


def _of_source(source: str, count: int, newest: datetime, detail: str) -> Trouble:
    posts = "a POST waits" if count == 1 else f"{count} POSTs wait"
    return Trouble.found(
        "shop_not_asked",
        milliseconds(newest),
        f"The shop of {source} can't be asked: {posts}",
        f"The last time: {detail}",
        f"It's asked again for {KEPT_FOR.days * 24} hours after a POST came. Then the POST is deleted.",
        "If the shop refuses your key, enter the right one. What waits is then taken by itself.",
        about=source,
        path=f"sources/{quote(source, safe='')}",
    )
