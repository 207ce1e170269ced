"""What makes a copy: the digest of an order's content, and the row that came first under the same id."""

# Without deferred annotations: pydantic would look for them in a module that Alembic does not register.
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op
from pydantic import BaseModel

from receiver.orders.idempotency import content_digest

revision = "0008"
down_revision = "0007"

_UNDERSTOOD = sa.text(
    'SELECT id, decided, "order" FROM orders WHERE "order" IS NOT NULL AND decided IS NOT NULL AND id > :after '
    "ORDER BY id LIMIT 1000"
)
_SET = sa.text("UPDATE orders SET content_digest = :digest WHERE id = :id")


def upgrade() -> None:
    """Add both columns, and the digest of every row that still holds an order or never was understood."""
    op.add_column("orders", sa.Column("content_digest", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("same_id_as", sa.Integer(), nullable=True))
    op.create_index("ix_orders_same_id_as", "orders", ["same_id_as"], sqlite_where=sa.text("same_id_as IS NOT NULL"))
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE orders SET content_digest = fields_digest WHERE decided IS NULL"))
    after = 0
    while rows := connection.execute(_UNDERSTOOD, {"after": after}).all():
        connection.execute(_SET, [{"id": pk, "digest": _digest(text, decided)} for pk, decided, text in rows])
        after = rows[-1].id


class _Item(BaseModel):
    id: str | None = None
    sku: str | None = None
    name: str | None = None
    quantity: int | None = None
    unit_price: Decimal | None = None


class _Order(BaseModel):
    """What counts of a stored order; the whole model takes ten times as long, and orders wait meanwhile."""

    order_id: str
    test: bool = False
    items: tuple[_Item, ...] = ()
    total: Decimal | None = None


def _digest(order: str, decided: str) -> str | None:
    """Return the digest of a stored order, None of one that cannot be read."""
    try:
        kept: Any = _Order.model_validate_json(order)
    except ValueError:
        return None
    return content_digest(kept, decided)
