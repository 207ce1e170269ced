"""What a handler does outside at most once: the first who asks for a key has it, and everybody else is told so."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.dialects.sqlite import insert

from receiver.orders.digests import digest
from receiver.storage.database import Database
from receiver.storage.models import OnceRow


def ask(database: Database, handler: str, key: str, *, order_pk: int | None) -> bool:
    """Tell whether a handler asks for a key for the first time; that is on disk when it is told.

    Only the key's digest is kept, since a key may name a person. Raises Unavailable when it cannot be written.
    """
    values = {"handler": handler, "digest": digest(key), "order_pk": order_pk, "at": datetime.now(UTC)}
    with database.write() as session:
        done = session.execute(insert(OnceRow).values(values).on_conflict_do_nothing())
        return bool(done.rowcount)  # type: ignore[attr-defined]
