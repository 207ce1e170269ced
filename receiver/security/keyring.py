"""The secrets of one moment: what verifies a POST, what's recognised, and what's never stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from receiver.orders import Fields
from receiver.orders.comparing import HALF_AN_ESCAPE
from receiver.security import signing
from receiver.security.secret_forms import may_hold, replaced, texts_to_search

#: From so many characters on, a secret's beginning is masked at the end of a form that broke off in it.
_LEAST_TOLD = 8

#: How what's put in the place of a secret begins.
REDACTED = "[secret "
#: Ciphertext, end in milliseconds and name of every stored secret, newest first.
Stored = list[tuple[str, int | None, str]]


@dataclass(frozen=True)
class Keyring:
    """The secrets at one moment, each mapped to its UTF-8 bytes."""

    active: dict[str, bytes] = field(repr=False)
    #: No longer active: recognised in a refusal, and never stored.
    retired: dict[str, bytes] = field(repr=False)
    #: Active for other sources: they verify nothing here, and are never stored either.
    elsewhere: dict[str, bytes] = field(default_factory=dict, repr=False)
    #: Those among the active ones that only a running self test knows.
    of_self_test: tuple[str, ...] = field(default=(), repr=False)
    #: Whether secrets that should verify a POST are stored and none of them can be read.
    is_sealed: bool = False
    #: What it was made from, besides the settings.
    stored: Stored = field(default_factory=list, repr=False, compare=False)

    def redact(self, fields: Fields) -> Fields:
        """Put the fingerprint in the place of every secret that a name or value holds, in any form."""
        # Longest first: of one that another begins with, the rest would stay.
        secrets = sorted((*self.active, *self.retired, *self.elsewhere), key=len, reverse=True)
        shortest = len(secrets[-1]) if secrets else 0
        long = "\0".join([text for field in fields for text in field if len(text) >= shortest])
        searched = texts_to_search(long)
        for secret in secrets:
            if may_hold(searched, secret):
                least = len(secret)
                fields = [
                    (
                        name if len(name) < least else _without(secret, name),
                        value if len(value) < least else _without(secret, value),
                    )
                    for name, value in fields
                ]
        return fields

    def redact_text(self, text: str) -> str:
        """Replace secrets in a text by their fingerprints."""
        return self.redact([("", text)])[0][1]

    def redact_cut(self, fields: Fields) -> Fields:
        """Redact a form that may have been cut: the start of a secret at its end counts too."""
        fields = self.redact(fields)
        if not fields:
            return fields
        *rest, (name, value) = fields
        return [*rest, (name, self._without_beginning(value)) if value else (self._without_beginning(name), "")]

    def _without_beginning(self, text: str) -> str:
        ends = (text, HALF_AN_ESCAPE.sub("", text))
        for secret in (*self.active, *self.retired, *self.elsewhere):
            for length in range(len(secret) - 1, _LEAST_TOLD - 1, -1):
                for end in ends:
                    if end.endswith(secret[:length]):
                        return f"{end.removesuffix(secret[:length])}{REDACTED}{signing.fingerprint(secret)}]"
        return text


def _without(secret: str, text: str) -> str:
    mark = f"{REDACTED}{signing.fingerprint(secret)}]"
    return mark if text == secret else replaced(secret, text, mark)
