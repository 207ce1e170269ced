"""What makes a copy: the digest of an order's content, and the row that came first under the same id.

A webhook-id is no key of an order any more, so what came under one goes by the key that its next copy has.
"""

# Without deferred annotations: pydantic would look for them in a module that Alembic does not register.
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op
from pydantic import BaseModel

from receiver.orders.idempotency import content_digest, kept_key

revision = "0008"
down_revision = "0007"

_UNDERSTOOD = sa.text(
    'SELECT id, decided, "order", key FROM orders WHERE "order" IS NOT NULL AND decided IS NOT NULL AND id > :after '
    "ORDER BY id LIMIT 1000"
)
_SET = sa.text("UPDATE orders SET content_digest = :digest WHERE id = :id")
#: One whose order came under another key as well keeps its own: both were handled.
_SET_KEY = sa.text("UPDATE OR IGNORE orders SET key = :key WHERE id = :id AND key = webhook_id AND event_id IS NULL")


def upgrade() -> None:
    """Add both columns, and the digest of every row that still holds an order or never was understood."""
    op.add_column("orders", sa.Column("content_digest", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("same_id_as", sa.Integer(), nullable=True))
    op.create_index("ix_orders_same_id_as", "orders", ["same_id_as"], sqlite_where=sa.text("same_id_as IS NOT NULL"))
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE orders SET content_digest = fields_digest WHERE decided IS NULL"))
    after = 0
    while rows := connection.execute(_UNDERSTOOD, {"after": after}).all():
        orders = [(pk, decided, order, key) for pk, decided, text, key in rows if (order := _read(text))]
        if orders:
            connection.execute(_SET, [{"id": pk, "digest": content_digest(order, d)} for pk, d, order, _ in orders])
            keys = [{"id": pk, "key": kept_key(order, decided, key=key)} for pk, decided, order, key in orders]
            connection.execute(_SET_KEY, keys)
        after = rows[-1].id


class _Item(BaseModel):
    id: str | None = None
    sku: str | None = None
    name: str | None = None
    quantity: int | None = None
    unit_price: Decimal | None = None


class _Order(BaseModel):
    """What counts of a stored order; the whole model takes ten times as long, and orders wait meanwhile."""

    event_id: str | None = None
    store_id: str | None = None
    order_id: str
    test: bool = False
    items: tuple[_Item, ...] = ()
    total: Decimal | None = None


def _read(order: str) -> Any:
    """Return what counts of a stored order, None of one that cannot be read."""
    try:
        return _Order.model_validate_json(order)
    except ValueError:
        return None
