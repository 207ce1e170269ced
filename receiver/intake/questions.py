"""What isn't known of an order that's parked: a question, which all orders that ask the same share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from receiver.orders import FieldError, Fields, NotUnderstood
from receiver.orders.idempotency import digest
from receiver.orders.states import normalised

#: How a question begins: about a word of a state, about what may be no order, or about anything else.
WORD, NO_ORDER, OTHER = "word:", "names:", "error:"
#: Characters that are kept: of a word, and of a question.
_LONGEST_WORD, _LONGEST = 60, 300
_NUMBER = re.compile("[0-9]+")


def asked_by(reading: NotUnderstood, fields: Fields) -> str:
    """Return what isn't known: a word of a state, whether bodies with these names hold orders, or the first error.

    Numbers in names count for nothing, since the second item asks what the first one does.
    """
    first = reading.errors[0]
    if first.word is not None:
        return about_word(first.word)
    if reading.may_be_no_order:
        names = sorted({_NUMBER.sub("#", name) for name, _ in fields})
        return NO_ORDER + digest("\0".join(names))[:16]
    return OTHER + _NUMBER.sub("#", f"{first.field} {first.message}")[:_LONGEST]


def about_word(word: str) -> str:
    """Return the question whether a word means paid; spellings of one word are one question."""
    return WORD + normalised(word)


def as_kept(errors: Iterable[FieldError]) -> list[dict[str, str]]:
    """Return the errors as they're stored, each with its field, its message, and the word that is asked about."""
    return [
        {"field": error.field, "message": error.message}
        | ({} if error.word is None else {"word": error.word.strip()[:_LONGEST_WORD]})
        for error in errors
    ]
