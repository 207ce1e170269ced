"""Keep why a POST was refused: the precise reason, names and sizes, never a value."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from receiver.database import Database
from receiver.errors import CardDataRefused, ReceiverError, Unauthenticated, Unavailable
from receiver.models import RefusalRow
from receiver.orders import mask
from receiver.shared_secrets import Keyring

#: How many refusals of each reason are kept.
KEPT = 100
_NAMES_KEPT = 100
_LONGEST_NAME = 64


class Refusals:
    """Collects refusals in memory, so that a refused request writes nothing, and writes them down in batches."""

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
        headers: Iterable[tuple[str, str]],
        fields: Iterable[tuple[str, str]],
        keyring: Keyring,
    ) -> None:
        """Note one refusal; of headers and fields only names and sizes stay, secrets and card numbers blotted out."""
        self._waiting.append(
            {
                "at": at,
                "source": source,
                "reason": error.reason if isinstance(error, Unauthenticated) else error.slug.replace("-", "_"),
                "detail": _detail(error, keyring),
                "address": address,
                "headers": _names_and_sizes(headers, keyring),
                "fields": _names_and_sizes(fields, keyring),
            }
        )

    def flush(self) -> None:
        """Write down what waits and keep the newest 100 of each reason; raises Unavailable, losing nothing."""
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, deque(maxlen=10 * KEPT)
        try:
            with self._database.write() as session:
                session.execute(insert(RefusalRow), list(batch))
                for reason in {refusal["reason"] for refusal in batch}:
                    session.execute(_older_than_kept(reason))
        except Unavailable:
            self._waiting.extendleft(reversed(batch))
            raise


def counts_since(session: Session, since: datetime) -> dict[str, int]:
    """Count the kept refusals of each reason since a moment."""
    rows = session.execute(
        select(RefusalRow.reason, func.count()).where(RefusalRow.at >= since).group_by(RefusalRow.reason)
    )
    return dict(rows.tuples().all())


def _detail(error: ReceiverError, keyring: Keyring) -> str:
    if isinstance(error, CardDataRefused):
        return f"Card data in {', '.join(_name(field, keyring) for field in error.fields)}."
    return error.detail if isinstance(error, Unauthenticated) else keyring.redact(str(error))


def _names_and_sizes(pairs: Iterable[tuple[str, str]], keyring: Keyring) -> str:
    named = [[_name(name, keyring), len(value)] for name, value in pairs]
    return json.dumps(named[:_NAMES_KEPT])


def _name(name: str, keyring: Keyring) -> str:
    return mask(keyring.redact(name))[:_LONGEST_NAME]


def _older_than_kept(reason: str) -> Any:
    newest_unkept = (
        select(RefusalRow.id)
        .where(RefusalRow.reason == reason)
        .order_by(RefusalRow.id.desc())
        .offset(KEPT)
        .limit(1)
        .scalar_subquery()
    )
    return delete(RefusalRow).where(RefusalRow.reason == reason, RefusalRow.id <= newest_unkept)


def newest_of_each_reason(session: Session, since: datetime) -> list[RefusalRow]:
    """Give the newest kept refusal of each reason since a moment."""
    newest = select(func.max(RefusalRow.id)).where(RefusalRow.at >= since).group_by(RefusalRow.reason)
    return list(session.scalars(select(RefusalRow).where(RefusalRow.id.in_(newest)).order_by(RefusalRow.id)))
