"""Who bought, and what may be kept about them."""

from receiver.customers.records import apply_order

__all__ = ["apply_order"]
