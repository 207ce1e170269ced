"""Keep a table of what is to be packed, for the warehouse's own programs to read."""

from __future__ import annotations

from sqlalchemy import text

from receiver.handlers import Context, Order, Skip, handler

TABLE = """
CREATE TABLE IF NOT EXISTS to_pack (
    source TEXT, order_id TEXT, line INTEGER, sku TEXT, quantity INTEGER, PRIMARY KEY (source, order_id, line)
)"""
ROW = "INSERT OR IGNORE INTO to_pack VALUES (:source, :order_id, :line, :sku, :quantity)"


@handler(after="tell_the_warehouse")
def note_what_to_pack(order: Order, context: Context) -> str:
    """Write a row for each item; a second run finds them there and adds none."""
    if not order.shipping:
        raise Skip("nothing to ship")
    context.session.execute(text(TABLE))
    for line, item in enumerate(order.items, 1):
        values = {"line": line, "sku": item.sku, "quantity": item.quantity}
        context.session.execute(text(ROW), {"source": context.source, "order_id": order.order_id, **values})
    return f"{len(order.items)} rows"
