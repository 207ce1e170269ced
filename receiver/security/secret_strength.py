"""Whether a secret or key that somebody made up can be guessed."""

from __future__ import annotations

import re
from itertools import pairwise

from receiver.errors import ConfigurationError

#: Sixteen random characters, of as few as ten digits, have fewer different ones in four cases of a thousand.
_FEWEST_DIFFERENT = 6
#: Share of neighbours that follow each other, as in 12345678 and aaaa.
_MOST_IN_ORDER = 0.75
_PREFIX = "whsec_"
#: What the examples and templates of a key consist of, as in change-this-to-a-long-random-string.
_OF_EXAMPLES = re.compile(
    "change|replace|insert|generated?|example|default|insecure|secure|production|development|password|passphrase|secret"
    "|random|string|output|openssl|should|qwerty|bytes?|todo|goes|that|your?|is"
    "|django|flask|super|very|long|here|please|this|with|some|must|key|dev|the|not|for|use|my|me|to|in|it|an|a|[^a-z]+"
)
#: The one of Flask's documentation.
_KNOWN = {"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"}


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


def weakness_of_key(key: str) -> str | None:
    """Return why SECRET_KEY is easy to guess, without any of its characters; None if it isn't."""
    if key.lower() in _KNOWN or (re.search("[a-z]", key.lower()) and not _OF_EXAMPLES.sub("", key.lower())):
        return "it's one of an example"
    return weakness(key)


def refuse_weak(secret: str) -> None:
    """Raise ConfigurationError for a secret that's easily guessed; the message doesn't repeat it."""
    if why := weakness(secret):
        raise ConfigurationError(
            f"This secret is easy to guess: {why}. Leave it out to create one from 32 random bytes, and give that "
            "one to the service."
        )
