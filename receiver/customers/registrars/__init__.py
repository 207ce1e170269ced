"""The contract of a registrar, which registers customers on your own website.

It's a class with ``register`` and ``check``, marked with ``@registrar``, in a file of ``instance/registrars/``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

#: A customer's data by the names of ``customer_fields``; None where there are none. Times are aware, in UTC.
Value = str | bool | datetime | None
Fields = Mapping[str, Value]
#: The choices of REGISTRAR that name no website.
WITHOUT_WEBSITE = ("accounts", "none")
#: Attribute of a marked class that holds its RegistrarType.
MARK = "__customer_registrar__"


class NotRegistered(Exception):
    """Raised when the website didn't accept a customer, or didn't erase one.

    The text is for the merchant and holds no secret.
    """


class Registrar(Protocol):
    """What registers customers with one website; several threads may use it.

    It may have ``erase(email)`` too, which erases one customer and returns what was done. It raises NotRegistered if
    that didn't work, and is safe to repeat.
    """

    def register(self, customer: Fields) -> str:
        """Register one customer and return what was done; raises NotRegistered. Safe to repeat."""
        ...

    def check(self) -> str:
        """Check that customers can be registered, change nothing, and return where; raises NotRegistered."""
        ...


#: A class whose objects are registrars.
Class = TypeVar("Class", bound=Callable[..., Registrar])


@dataclass(frozen=True)
class RegistrarType:
    """A registrar that REGISTRAR can name."""

    name: str
    make: Callable[[Any], Registrar]
    #: The model of the table ``[registrar]``; the class is made from one.
    settings: type[BaseModel]


class NoSettings(BaseModel):
    """The table ``[registrar]`` of a registrar without settings."""


def registrar(name: str, *, settings: type[BaseModel] = NoSettings) -> Callable[[Class], Class]:
    """Mark a class as the registrar of this name; ``settings`` is the model of its table ``[registrar]``.

    The class is called with the settings, read and checked. Raises TypeError for what isn't a class with ``register``
    and ``check``, and ValueError for a name that's taken.
    """
    if name in WITHOUT_WEBSITE:
        raise ValueError(f"@registrar: {name} is a choice of REGISTRAR already; choose another name")

    def mark(marked: Class) -> Class:
        is_one = inspect.isclass(marked) and hasattr(marked, "register") and hasattr(marked, "check")
        if not is_one:
            raise TypeError(f"@registrar({name!r}) must be on a class that has register and check")
        setattr(marked, MARK, RegistrarType(name, marked, settings))
        return marked

    return mark


def names_a_website(chosen: str) -> bool:
    """Return whether this choice of REGISTRAR registers customers on a website."""
    return chosen not in WITHOUT_WEBSITE


def account_url(chosen: str, url: str) -> str:
    """Return the page where customers see their account at the website; empty when the accounts are here."""
    return "" if chosen == "accounts" else url
