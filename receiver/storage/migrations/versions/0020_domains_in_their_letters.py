"""Emails as keys have their domains in their own letters: those that came as ``xn--…`` are spelled so too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from receiver.orders.email_addresses import normalised

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Spell the keys so; of two customers with one mailbox both stay, and orders belong to the one with the key."""
    connection = op.get_bind()
    for name in ("orders", "customers"):
        table = sa.table(name, sa.column("id"), sa.column("email"))
        is_encoded = table.c.email.contains("xn--")
        for pk, email in connection.execute(sa.select(table.c.id, table.c.email).where(is_encoded)).all():
            key = normalised(email)
            taken = sa.select(table.c.id).where(table.c.email == key)
            if key != email and (name == "orders" or connection.execute(taken).first() is None):
                op.execute(table.update().where(table.c.id == pk).values(email=key))
