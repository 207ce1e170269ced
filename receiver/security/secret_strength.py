"""Whether a shared secret that somebody made up can be guessed."""

from __future__ import annotations

from itertools import pairwise

from receiver.errors import ConfigurationError

#: Sixteen random characters, of as few as ten digits, have fewer different ones in four cases of a thousand.
_FEWEST_DIFFERENT = 6
#: Share of neighbours that follow each other, as in 12345678 and aaaa.
_MOST_IN_ORDER = 0.75
_PREFIX = "whsec_"


def weakness(secret: str) -> str | None:
    """Return why a secret is easy to guess, without any of its characters; None if it isn't."""
    text = secret.removeprefix(_PREFIX).rstrip("=")
    different = len(set(text))
    if different < _FEWEST_DIFFERENT:
        return f"it has only {different} different character{'s'[: different != 1]}"
    if text in (text + text)[1:-1]:
        return "it repeats itself"
    in_order = sum(abs(ord(one) - ord(other)) <= 1 for one, other in pairwise(text))
    return "its characters follow one another" if in_order > _MOST_IN_ORDER * len(text) else None


def refuse_weak(secret: str) -> None:
    """Raise ConfigurationError for a secret that's easily guessed; the message doesn't repeat it."""
    if why := weakness(secret):
        raise ConfigurationError(
            f"This secret is easy to guess: {why}. Leave it out to create one from 32 random bytes, and give that "
            "one to the service."
        )
