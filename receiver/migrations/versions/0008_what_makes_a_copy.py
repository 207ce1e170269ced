"""What makes a copy: the digest of an order's content, and the row that came first under the same id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from receiver.identity import content_digest
from receiver.orders import Order

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


def _digest(order: str, decided: str) -> str | None:
    """Return the digest of a stored order, None where today's model takes it no more."""
    try:
        return content_digest(Order.model_validate_json(order), decided)
    except ValueError:
        return None
