"""What the words of shops say: paid, not paid, or nothing that anybody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

COMPLETED, REFUNDED, CANCELLED, UPDATED = "completed", "refunded", "cancelled", "updated"
#: What a handler can run on, and what each is called in the contract.
EVENTS = {word: f"order.{word}" for word in (COMPLETED, REFUNDED, CANCELLED, UPDATED)}
#: Events that are about an order which has an event of its own.
LATER = frozenset({REFUNDED, CANCELLED, UPDATED})
COMPLETED_EVENT, UPDATED_EVENT = EVENTS[COMPLETED], EVENTS[UPDATED]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PAID = _words(
    "paid completed complete captured settled succeeded success successful approved accepted processing processed"
    " shipped delivered fulfilled sold charged payment-received payment-captured payment-completed payment-succeeded"
    " fully-paid paid-out ok yes"
)
#: The money went back, some of it or all, by the shop's will or the bank's.
_REFUNDED = _words(
    "refunded refund refunds partially-refunded partial-refund chargeback charged-back reversed reversal"
)
#: The order is off, paid or not.
_CANCELLED = _words("cancelled canceled cancellation voided void trash deleted")
#: There was no sale, or it's still being argued about; nothing is to be done.
_FAILED = _words("disputed dispute failed failure declined denied rejected expired error abandoned uncollectible")
_UNPAID = _words(
    "pending unpaid draft auto-draft checkout-draft on-hold hold held authorized authorised authorization"
    " preauthorized awaiting-payment pending-payment payment-pending waiting waiting-for-payment not-paid created open"
    " incomplete in-progress deferred partially-paid past-due overdue unsettled initiated requires-action"
    " requires-payment-method requires-confirmation requires-capture payer-action-required scheduled new"
)
#: How far the goods are; that says nothing about the money.
_FULFILMENT = _words(
    "unfulfilled unshipped partial partially-fulfilled partially-shipped awaiting-fulfillment awaiting-fulfilment"
    " awaiting-shipment awaiting-processing awaiting-pickup ready-for-pickup out-for-delivery returned restocked"
    " will-not-deliver"
)
_MEANINGS = {
    word: meaning
    for meaning, words in (
        ("fulfilment", _FULFILMENT),
        ("unpaid", _UNPAID),
        ("failed", _FAILED),
        (CANCELLED, _CANCELLED),
        (REFUNDED, _REFUNDED),
        ("paid", _PAID),
    )
    for word in words
}
#: What an event's name may hold beside the word: "order.refunded" is about the sale, "subscription.cancelled" isn't.
_OF_A_SALE = _words("order orders purchase sale payment charge transaction checkout capture on full partial").union(
    ("fully", "partially", "create", "created", "completed", "succeeded", "approved", "processed", "updated")
)
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s_./:+-]+")
_LONGEST_WORD = 60


class Decision(NamedTuple):
    """What a request was decided to be, and the word that decided."""

    #: One of EVENTS, ``ignored``, or ``unknown`` for a word that nobody knows.
    outcome: str
    #: As it was sent; empty where nothing was said.
    word: str = ""

    @property
    def as_kept(self) -> str:
        """One of EVENTS, or the word that makes the order ignored."""
        return self.outcome if self.outcome in EVENTS else self.word.lower()


class Words(NamedTuple):
    """The state words of one source: what the kit knows, and what its kind or its merchant adds."""

    #: Normalised word -> whether it means paid.
    own: Mapping[str, bool] = {}

    def meaning(self, text: str) -> str | None:
        """Return ``paid``, ``unpaid``, ``refunded``, ``cancelled``, ``failed`` or ``fulfilment``.

        None for a word that nobody knows.
        """
        word = text if text in _MEANINGS else normalised(text)
        if word in self.own:
            return "paid" if self.own[word] else "unpaid"
        return _MEANINGS.get(word)

    def meaning_of_event(self, text: str) -> str | None:
        """Return the same for the name of an event: by all of it, else by its last words, such as in ``order.paid``."""
        word = normalised(text)
        if word in self.own:
            return self.meaning(word)
        parts = word.split("-")
        said = set(parts)
        for end, words in ((REFUNDED, _REFUNDED), (CANCELLED, _CANCELLED)):
            if words & said:  # "refund.completed" is no payment, and "refund.failed" no refund
                return end if said - words <= _OF_A_SALE else "failed"
        if _FAILED & said:
            return "failed"
        for start in range(len(parts)):
            if meaning := self.meaning("-".join(parts[start:])):
                return None if parts[start:] in (["created"], ["new"], ["open"]) else meaning
        return None


def normalised(text: str) -> str:
    """Return a word as the tables have it: ``On_Hold``, ``on hold`` and ``onHold`` are ``on-hold``."""
    return _BETWEEN_WORDS.sub("-", text.strip()[:_LONGEST_WORD]).strip("-").lower()


def decide(event: str | None, order_status: str | None, payment_status: str | None, *, words: Words) -> Decision:
    """Decide what a request is, by its event's name, its order's state and its payment's state.

    A cancelled order and money that went back decide first, wherever they're said: by the event, the order, the
    payment; then what failed. Then the payment's word decides, the order's, the event's. What nobody knows decides
    only where nothing else does. Nothing said at all means completed.
    """
    said = [
        (payment_status, words.meaning),
        (order_status, words.meaning),
        (None if event == COMPLETED_EVENT else event, words.meaning_of_event),
    ]
    found = [(text, meaning(text)) for text, meaning in said if text]
    for text, meaning in reversed(found):
        if meaning in (REFUNDED, CANCELLED):
            return Decision(meaning, text)
    for text, meaning in found:
        if meaning == "failed":
            return Decision("ignored", text)
    for text, meaning in found:
        if meaning == "paid":
            return Decision(COMPLETED, text)
        if meaning == "unpaid":
            return Decision("ignored", text)
    unknown = [text for text, meaning in found if meaning is None]
    return Decision("unknown", unknown[0]) if unknown else Decision(COMPLETED)
