"""Print the pick list of an order."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from receiver.handlers import Context, InstancePath, Order, handler


class PickListSettings(BaseModel):
    """The table ``[handlers.print_pick_list]``."""

    token: SecretStr
    copies: int = Field(1, ge=1, description="how many are printed")
    folder: InstancePath | None = None


@handler(settings=PickListSettings)
def print_pick_list(order: Order, context: Context[PickListSettings]) -> str:
    """Say how many copies it would print."""
    return f"{context.own.copies} copies of order {order.order_id}"
