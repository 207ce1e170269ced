"""Fixtures of the account pages' tests: the console's browser."""

from tests.console.conftest import browse, chromium

__all__ = ["browse", "chromium"]
