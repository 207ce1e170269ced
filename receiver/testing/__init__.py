"""What a merchant's own handler is tested with, ``pytest_plugins = ["receiver.testing"]``: fixtures and a battery.

Every test has an instance of its own, made from defaults and what ``handler_settings`` gives; neither the instance
that serves nor the environment's ``RECEIVER_`` settings are touched or used, and no mail leaves the machine.
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
