"""A column for what isn't known of a parked order; those parked before are grouped by their first error."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_LONGEST = 300


def upgrade() -> None:
    """Add the column and its index, and fill it in for the parked orders."""
    op.add_column("orders", sa.Column("parked_as", sa.Text(), nullable=True))
    where = sa.text("state = 'parked'")
    op.create_index(
        "ix_orders_parked_as", "orders", ["source", "parked_as"], sqlite_where=where, postgresql_where=where
    )
    orders = sa.table("orders", *(sa.column(name) for name in ("id", "state", "errors", "parked_as")))
    parked = sa.select(orders.c.id, orders.c.errors).where(orders.c.state == "parked", orders.c.errors.is_not(None))
    for pk, errors in op.get_bind().execute(parked).all():
        first = next(iter(json.loads(errors)), {"field": "", "message": ""})
        question = f"error:{first['field']} {first['message']}"[:_LONGEST]
        op.execute(orders.update().where(orders.c.id == pk).values(parked_as=question))
