"""What a merchant's own handler is tested with, ``pytest_plugins = ["receiver.testing"]``: fixtures and a battery.

Every test has an instance of its own, with the default settings and those that ``handler_settings`` gives. The
instance that serves is not touched, ``RECEIVER_`` settings of the environment mean nothing, and mails are files.
"""

from receiver.testing.battery import HandlerCases
from receiver.testing.fixtures import (
    MakeOrder,
    RunHandler,
    fresh_instance,
    handler_settings,
    instance,
    make_order,
    order,
    outbox,
    run_handler,
)
from receiver.testing.trial import Trial

__all__ = [
    "HandlerCases",
    "MakeOrder",
    "RunHandler",
    "Trial",
    "fresh_instance",
    "handler_settings",
    "instance",
    "make_order",
    "order",
    "outbox",
    "run_handler",
]
