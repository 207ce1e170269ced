"""The service's side: an order received is posted to the merchant's own server."""

from receiver.relay.recording import order_received

__all__ = ["order_received"]
