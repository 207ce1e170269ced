"""The text by which a customer is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from receiver.storage.search.text import of_customer

revision = "0028"
down_revision = "0027"

_PARTS = ("email", "first_name", "last_name", "company", "phone")
#: Customers that are in memory at once.
_BATCH = 1000


def upgrade() -> None:
    """Add it, and write it for those who are there."""
    op.add_column("customers", sa.Column("found_by", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")))
    connection = op.get_bind()
    table = sa.table("customers", *(sa.column(name) for name in ("id", "found_by", *_PARTS)))
    people = sa.select(table.c.id, *(table.c[name] for name in _PARTS)).order_by(table.c.id).limit(_BATCH)
    write = table.update().where(table.c.id == sa.bindparam("pk")).values(found_by=sa.bindparam("text"))
    last = 0
    while rows := connection.execute(people.where(table.c.id > last)).all():
        texts = [
            {"pk": pk, "text": of_customer(email, " ".join(filter(None, (first, later))), *others)}
            for pk, email, first, later, *others in rows
        ]
        connection.execute(write, texts)
        last = rows[-1][0]
