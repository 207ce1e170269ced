"""Set-up pings: what a service posts when its address is entered, to see whether somebody answers."""

from __future__ import annotations

from receiver.orders.names import Fields, words_of

#: A POST with more fields is none: looking at it would slow orders down.
MOST_FIELDS = 6
_LONGEST = 200
#: Words that say it, in a name or in a value.
_SAY_IT = frozenset({"test", "tests", "testing", "ping", "pong", "hook", "webhook", "webhooks", "zen", "hello"}) | {
    "challenge",
    "verify",
    "verification",
}
#: Words beside them that change nothing.
_BESIDE = frozenset({"web", "url", "endpoint", "world", "event", "message", "connection", "request", "id", "is"})
#: Names whose value may be anything.
_OF_THE_MOMENT = frozenset({"timestamp", "time", "date", "created", "at", "sent", "version", "api"})
#: Names whose value says what it's about.
_OF_THE_EVENT = frozenset({"event", "type", "name", "topic", "action", "message", "text", "kind", "status"})


def looks_like_ping(fields: Fields) -> bool:
    """Return whether the fields, without the secret, are those of a set-up ping, and nothing of an order is among them.

    Such as ``test=test``, ``{"event": "webhook.test"}`` or ``{"zen": "…", "hook_id": 7}``.
    """
    said = False
    if len(fields) > MOST_FIELDS:
        return False
    for name, value in fields:
        words = words_of(name)
        if len(value) > _LONGEST or not words:
            return False
        if _say_it(words) or (_OF_THE_EVENT.issuperset(words) and _say_it(words_of(value))):
            said = True
        elif not _OF_THE_MOMENT.issuperset(words):
            return False
    return said


def _say_it(words: list[str]) -> bool:
    return not _SAY_IT.isdisjoint(words) and (_SAY_IT | _BESIDE).issuperset(words)
