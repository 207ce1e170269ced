"""What only SECRET_KEY can read in the database: shared secrets, those of the Order Control, and those of sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Inspector, delete, inspect
from sqlalchemy import text as sql

from receiver.security import encryption
from receiver.storage.database import Database
from receiver.storage.models import SecretRow


@dataclass(frozen=True)
class Kind:
    """One kind of stored secret, as the merchant knows it."""

    #: Its rows, and the column that tells them apart; a schema without it has none of them, or doesn't tell.
    where: str
    column: str
    one: str
    many: str
    #: How to replace one that's lost.
    again: str


ORDER_CONTROL = Kind(
    "signs",
    "signs",
    "secret of the Order Control",
    "secrets of the Order Control",
    "create a new one and give it to the receiving server: flask relay rotate",
)
OF_SOURCE = Kind(
    "source IS NOT NULL",
    "source",
    "secret of a source",
    "secrets of sources",
    "enter it again under Settings → Sources, or with: flask sources secret NAME",
)
SHARED = Kind("NOT signs", "signs", "shared secret", "shared secrets", "enter it again: flask secret add SECRET")
KINDS = (SHARED, ORDER_CONTROL, OF_SOURCE)


def unreadable(database: Database, secret_key: str, *kinds: Kind) -> list[str]:
    """Return what this key can't read, by fingerprint: nothing if it reads all, everything without a key.

    Reads older schemas too: it's asked before an upgrade. Raises Unavailable when the database can't be read.
    """
    if not database.exists():
        return []
    return [
        f"{len(marks)} {kind.one if len(marks) == 1 else kind.many} ({', '.join(marks)})"
        for kind in kinds or KINDS
        if (marks := [mark for _, mark in _closed(database, kind, secret_key)])
    ]


def remove_unreadable(database: Database, secret_key: str) -> Iterator[str]:
    """Remove what this key can't read, and yield how each is replaced."""
    for kind in KINDS:
        for pk, mark in _closed(database, kind, secret_key):
            with database.write() as session:
                session.execute(delete(SecretRow).where(SecretRow.id == pk))
            yield f"Removed the {kind.one} {mark}, which can't be read any more; {kind.again}"


def _closed(database: Database, kind: Kind, secret_key: str) -> list[tuple[int, str]]:
    """Return id and fingerprint of each row that the key can't read."""
    with database.translated_errors(), database.engine.connect() as connection:
        schema = inspect(connection)
        if not schema.has_table("shared_secrets"):
            return []
        rows = connection.execute(sql(_select(schema, kind))).all()
    return [(pk, mark) for pk, mark, text in rows if encryption.decrypted(secret_key, text) is None]


def _select(schema: Inspector, kind: Kind) -> str:
    """Return the statement that reads one kind; a schema from before 1.0.0 doesn't tell the first two apart."""
    columns = {column["name"] for column in schema.get_columns("shared_secrets")}
    conditions = [kind.where] if kind.column in columns else ["false"] if kind is OF_SOURCE else []
    if "source" in columns and kind is not OF_SOURCE:
        conditions.append("source IS NULL")
    which = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    return f"SELECT id, fingerprint, ciphertext FROM shared_secrets {which}ORDER BY id"  # noqa: S608 - words of ours
