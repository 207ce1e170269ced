"""The door for whoever writes a handler: one line imports all that it needs."""

from receiver.handlers.context import Context
from receiver.handlers.contract import Handler, HandlerFunction, RetryLater, Skip, handler
from receiver.handlers.own_settings import InstancePath
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
    "Skip",
    "handler",
]
