"""Fixtures and a battery of tests for a merchant's own handlers: ``pytest_plugins = ["receiver.testing"]``.

Every test has an instance of its own, with the default settings and those that ``handler_settings`` gives. The
instance that serves isn't touched, ``RECEIVER_`` settings of the environment are ignored, and emails are files.
"""

from receiver.testing.battery import HandlerCases as HandlerCases
from receiver.testing.fixtures import MakeOrder as MakeOrder
from receiver.testing.fixtures import RunHandler as RunHandler
from receiver.testing.fixtures import fresh_instance as fresh_instance
from receiver.testing.fixtures import handler_settings as handler_settings
from receiver.testing.fixtures import instance as instance
from receiver.testing.fixtures import make_order as make_order
from receiver.testing.fixtures import order as order
from receiver.testing.fixtures import outbox as outbox
from receiver.testing.fixtures import run_handler as run_handler
from receiver.testing.trial import Trial as Trial
