"""The contract of a registrar: whatever makes customers known to the merchant's own website."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

#: What is known of a customer, by the names of ``customer_fields``; None where it is not known.
Value = str | bool | datetime | None
Fields = Mapping[str, Value]


class NotRegistered(Exception):
    """Says, for the merchant, why the website did not take a customer; holds no secret."""


class Registrar(Protocol):
    """Hands customers to one website; may be used by several threads."""

    def register(self, customer: Fields) -> str:
        """Hand over one customer and say what was done; raises NotRegistered. A second time does no harm."""
        ...

    def check(self) -> str:
        """Look whether customers can be handed over, change nothing and say where to; raises NotRegistered."""
        ...
