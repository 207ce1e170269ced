"""Questions to a shop: how a kind of source verifies POSTs that prove nothing by themselves, after they came.

Such a POST waits in quarantine (``receiver.intake.quarantine``), and a job asks the shop about it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from receiver.orders import Fields
from receiver.security.fixed_hosts import AskLater, FixedHosts, Told
from receiver.security.schemes import contract
from receiver.security.signing import SHORTEST_SECRET

#: Answers to a wrong key.
_KEY_REFUSED = (401, 403)


class Unverified(NamedTuple):
    """A POST that nobody has verified yet."""

    #: Those that the question names, by their names in small letters.
    headers: Mapping[str, str]
    #: What the question keeps of its bytes.
    body: bytes
    #: As they were sent to ``check``; to ``ask``, without card data and secrets, because that's how they're kept.
    fields: Fields

    def field(self, name: str) -> str:
        """Return a field's value, empty without one."""
        return next((value for one, value in self.fields if one == name), "")


class Confirmed(NamedTuple):
    """What the shop said about a POST that is its own."""

    #: That of the source's secrets that it was asked with.
    secret: str
    #: The order as the shop told it; None where the POST itself holds it.
    body: bytes | None = None
    content_type: str = "application/json"


class NotConfirmed(Exception):
    """Raised when a shop says that a POST isn't its own; the words are for the merchant and repeat nothing sent."""


class Question(ABC):
    """One way to ask a shop; inherit from it, and give an instance to ``asks`` of a kind."""

    #: The only hosts that are connected to, by https.
    hosts: ClassVar[tuple[str, ...]] = ()
    #: Headers of the POST that the question needs.
    headers: ClassVar[tuple[str, ...]] = ()
    #: Whether the shop confirms all of the body, or tells the order itself.
    covers_body: ClassVar[bool] = True

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError, with the fix, for a secret that can't be one of this shop."""
        contract.refuse_short(secret, SHORTEST_SECRET)

    def keeps(self, body: bytes) -> bytes:  # noqa: ARG002
        """Return what's needed of the bytes as they came. If it's all of them, card data in it refuses the POST."""
        return b""

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:  # noqa: B027 - most shops need none
        """Raise SignatureProblem for a POST that can't be the shop's, before it's kept; nothing is asked here."""

    @abstractmethod
    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Ask, and return what was said. Raises NotConfirmed, and AskLater for no answer."""


def json_of(told: Told, *, host: str) -> Any:
    """Return the document of an answer; raises AskLater for what's none."""
    try:
        return json.loads(told.body)
    except ValueError as error:
        raise AskLater(f"{host} answered {told.status} without JSON.") from error


def told_with_any(secrets: Sequence[str], ask: Callable[[str], Told], *, host: str) -> tuple[Told, str]:
    """Ask with each secret until one is taken; return the answer and that secret. Raises AskLater if none is."""
    for secret in secrets:
        told = ask(secret)
        if told.status not in _KEY_REFUSED:
            return told, secret
    raise AskLater(f"{host} refused each secret of this source (401 or 403). Copy the key from the shop again.")
