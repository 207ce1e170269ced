"""Send received orders to the merchant's own server, as the selling service does."""

from receiver.relay.recording import order_received

__all__ = ["order_received"]
