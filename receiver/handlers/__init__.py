"""Everything that a handler needs, to import in one line."""

from receiver.handlers.context import Context
from receiver.handlers.contract import Handler, HandlerFunction, RetryLater, Skip, handler, retry_after
from receiver.handlers.own_settings import InstancePath, SecretUrl
from receiver.mail.text_layout import plain_line
from receiver.orders import Address, Customer, Item, Order

__all__ = [
    "Address",
    "Context",
    "Customer",
    "Handler",
    "HandlerFunction",
    "InstancePath",
    "Item",
    "Order",
    "RetryLater",
    "SecretUrl",
    "Skip",
    "handler",
    "plain_line",
    "retry_after",
]
