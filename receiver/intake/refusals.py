"""Keep why a POST was refused: the precise reason, names and sizes, never a value."""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime
from itertools import accumulate
from typing import Any
from urllib.parse import quote

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from receiver.errors import ReceiverError, Unauthenticated, Unavailable
from receiver.orders import Fields, mask
from receiver.security.keyring import Keyring
from receiver.storage.database import Database
from receiver.storage.models import RefusalRow

#: How many refusals of each reason are kept.
KEPT = 100
#: The reason of what's no refusal: a set-up ping, which was answered 200.
PING = "ping"
_NAMES_KEPT = 100
_LONGEST_NAME = 64
#: Characters of a name that are searched for secrets; what's kept of it can't come from beyond.
_LOOKED_AT = 4_096
#: And of all names of one POST. Nobody has verified it, and a short one may inflate to many long names.
_LOOKED_AT_IN_ALL = 4 * _NAMES_KEPT * _LONGEST_NAME
_DETAILS_SHOWN = 3


class Refusals:
    """Refusals, collected in memory and stored in batches, so that a refused request writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[dict[str, Any]] = deque(maxlen=10 * KEPT)

    def add(
        self,
        error: ReceiverError,
        *,
        at: datetime,
        source: str,
        address: str | None,
        headers: Fields,
        fields: Fields,
        keyring: Keyring,
    ) -> None:
        """Note one refusal. Of headers and fields only names and sizes are kept, secrets and card numbers masked."""
        refusal = {
            "at": at,
            "source": quote(_clean(source, keyring), safe="")[:_LONGEST_NAME],  # an unknown one's name may be anything
            "reason": error.reason if isinstance(error, Unauthenticated) else error.slug.replace("-", "_"),
            "detail": _clean(error.detail if isinstance(error, Unauthenticated) else str(error), keyring),
            "address": address,
            "headers": _names_and_sizes(headers, keyring),
            "fields": _names_and_sizes(fields, keyring),
        }
        self._waiting.append(refusal)

    def flush(self) -> None:
        """Store what waits and keep the newest 100 of each reason; raises Unavailable, and then loses nothing."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            with self._database.write() as session:
                session.execute(insert(RefusalRow), batch)
                for reason in {refusal["reason"] for refusal in batch}:
                    session.execute(_older_than_kept(reason))
        except Unavailable:
            self._waiting.extendleft(reversed(batch))
            raise


def counts_since(session: Session, since: datetime, *, with_pings: bool = False) -> dict[str, int]:
    """Count the kept refusals of each reason since a moment; set-up pings are none."""
    counts = select(RefusalRow.reason, func.count()).where(RefusalRow.at >= since).group_by(RefusalRow.reason)
    if not with_pings:
        counts = counts.where(RefusalRow.reason != PING)
    return dict(session.execute(counts).all())


def _clean(text: str, keyring: Keyring) -> str:
    """Mask secrets and card numbers in a text that may repeat what was sent."""
    return mask(keyring.redact_text(text))


def _names_and_sizes(pairs: Fields, keyring: Keyring) -> str:
    """Return the first names, with secrets and card numbers masked, each with its value's length in characters."""
    begun = [(name[:_LOOKED_AT], "") for name, _ in pairs[:_NAMES_KEPT]]
    in_all = accumulate(len(name) for name, _ in begun)
    names = keyring.redact([one for one, most in zip(begun, in_all, strict=True) if most <= _LOOKED_AT_IN_ALL])
    sizes = [len(value) for _, value in pairs]
    return json.dumps([[mask(name)[:_LONGEST_NAME], size] for (name, _), size in zip(names, sizes, strict=False)])


def _older_than_kept(reason: str) -> Any:
    kept = select(RefusalRow.id).where(RefusalRow.reason == reason).order_by(RefusalRow.id.desc()).limit(KEPT)
    return delete(RefusalRow).where(RefusalRow.reason == reason, RefusalRow.id.not_in(kept))


def newest_of_each_reason(session: Session, since: datetime) -> list[RefusalRow]:
    """Return the newest refusals of each reason since a moment: one for each of at most three details or sources."""
    newest = func.max(RefusalRow.id)
    rank = func.row_number().over(partition_by=RefusalRow.reason, order_by=newest.desc())
    alike = (RefusalRow.reason, RefusalRow.source, RefusalRow.detail)
    ranked = (
        select(newest.label("id"), rank.label("rank"))
        .where(RefusalRow.at >= since, RefusalRow.reason != PING)
        .group_by(*alike)
        .subquery()
    )
    shown = select(ranked.c.id).where(ranked.c.rank <= _DETAILS_SHOWN)
    return list(session.scalars(select(RefusalRow).where(RefusalRow.id.in_(shown)).order_by(RefusalRow.id)))
