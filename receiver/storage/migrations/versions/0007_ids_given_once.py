"""Ids that are given once: what was deleted never leaves its number to another row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations

from receiver.storage.migrations.rebuilding import rebuilt

revision = "0007"
down_revision = "0006"

#: Each table, and what the merchant was told of by its ids: as a notice's kind, in SQL's pattern.
_TABLES = {
    "mails": ("mail_failed",),
    "customers": (),
    "refusals": ("wrong_secret", "card_data"),
    "transmissions": (),
    "transmission_attempts": ("transmission_%",),
}
#: Told of by an instant, not by an id.
_BY_TIME = "transmission_given_up"


def upgrade() -> None:
    """Rebuild the tables with all that they have by now, and count on from the highest id that was ever told of."""
    operations = Operations(op.get_context())
    for table, kinds in _TABLES.items():
        with rebuilt(operations, table, sqlite_autoincrement=True):
            pass
        _count_on(table, kinds)


def _count_on(table: str, kinds: tuple[str, ...]) -> None:
    connection = op.get_bind()
    ids = [connection.scalar(sa.text(f'SELECT max(id) FROM "{table}"'))]  # noqa: S608 - a name from above
    told = sa.text("SELECT max(last_seen) FROM notices WHERE kind LIKE :kind AND kind <> :by_time")
    ids += [connection.scalar(told, {"kind": kind, "by_time": _BY_TIME}) for kind in kinds]
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table})
    highest = {"name": table, "seq": max(number or 0 for number in ids)}
    connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), highest)
