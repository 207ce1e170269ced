"""Which words of shops mean paid, which don't, and which nobody knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders.states import Decision, Words, decide, normalised

KNOWN = Words()


@pytest.mark.parametrize("word", ["paid", "Completed", "CAPTURED", "processing", "succeeded", "Payment_Received"])
def test_words_that_mean_paid(word: str) -> None:
    assert decide(None, word, None, words=KNOWN) == decide(None, None, word, words=KNOWN) == Decision("completed", word)


UNPAID = (
    "on-hold authorized pending checkout-draft Denied Declined Expired AWAITING_PAYMENT In-Progress Created auto-draft"
    " past_due partially_paid requires_action Open disputed failed uncollectible"
)


@pytest.mark.parametrize("word", UNPAID.split())
def test_words_that_do_not(word: str) -> None:
    assert decide(None, word, None, words=KNOWN) == decide(None, None, word, words=KNOWN) == Decision("ignored", word)


ENDS = {
    "refunded": "refunded Partially_Refunded partial-refund Reversed ChargedBack chargeback",
    "cancelled": "CANCELED cancelled voided trash deleted",
}


@pytest.mark.parametrize(("outcome", "word"), [(end, word) for end, words in ENDS.items() for word in words.split()])
def test_words_that_say_what_became_of_a_paid_order(outcome: str, word: str) -> None:
    assert decide(None, word, "paid", words=KNOWN) == decide(None, "completed", word, words=KNOWN)
    assert decide(None, word, "paid", words=KNOWN) == Decision(outcome, word)
    assert decide(None, word, None, words=KNOWN).as_kept == outcome


EVENTS = {
    "refunded": "order.refunded PAYMENT.CAPTURE.REFUNDED charge.refunded refund.created refunds/create order_refunded"
    " PURCHASE_CHARGEBACK on_refund order.partially_refunded",
    "cancelled": "order.cancelled orders/cancelled transaction.canceled order.deleted",
    # What is about something else, or didn't happen.
    "ignored": "subscription.cancelled fulfillments/cancelled product.deleted refund.failed refund.cancelled"
    " refund.requested payment.refund.pending charge.dispute.created authorization.voided",
}


@pytest.mark.parametrize(("outcome", "name"), [(end, name) for end, names in EVENTS.items() for name in names.split()])
def test_names_of_events_that_say_so(outcome: str, name: str) -> None:
    assert decide(name, None, None, words=KNOWN) == Decision(outcome, name)
    assert decide(name, "completed", "paid", words=KNOWN) == Decision(outcome, name)


@pytest.mark.parametrize(
    ("event", "order", "payment", "decided"),
    [
        (None, None, None, Decision("completed")),
        ("order.completed", None, None, Decision("completed")),
        # Money that's gone decides, wherever it's said, the event before the order, and that before the payment.
        ("order.completed", "refunded", "paid", Decision("refunded", "refunded")),
        ("orders/cancelled", None, "paid", Decision("cancelled", "orders/cancelled")),
        ("refunds/create", "cancelled", "paid", Decision("refunded", "refunds/create")),
        ("orders/updated", "cancelled", "refunded", Decision("cancelled", "cancelled")),
        ("order.cancelled", None, "pending", Decision("cancelled", "order.cancelled")),
        ("charge.dispute.created", "completed", "paid", Decision("ignored", "charge.dispute.created")),
        # Then the payment, the order, the event.
        ("refund.completed", None, None, Decision("refunded", "refund.completed")),
        ("order.created", "pending", "paid", Decision("completed", "paid")),
        ("order.completed", "completed", "authorized", Decision("ignored", "authorized")),
        ("order.paid", "pending", None, Decision("ignored", "pending")),
        ("checkout.session.completed", None, None, Decision("completed", "checkout.session.completed")),
        ("PURCHASE_APPROVED", None, None, Decision("completed", "PURCHASE_APPROVED")),
        ("order.payment_failed", None, None, Decision("ignored", "order.payment_failed")),
        # What nobody knows decides only alone.
        (None, "frobnicated", "paid", Decision("completed", "paid")),
        (None, "completed", "frobnicated", Decision("completed", "completed")),
        (None, "frobnicated", None, Decision("unknown", "frobnicated")),
        ("on_payment", None, None, Decision("unknown", "on_payment")),
        ("order.created", None, None, Decision("unknown", "order.created")),
        # How far the goods are says nothing.
        (None, "UNFULFILLED", None, Decision("completed")),
        (None, "unfulfilled", "pending", Decision("ignored", "pending")),
    ],
)
def test_the_order_of_deciding(event: str | None, order: str | None, payment: str | None, decided: Decision) -> None:
    assert decide(event, order, payment, words=KNOWN) == decided


def test_a_source_knows_words_of_its_own() -> None:
    words = Words({"approved": False, "on-payment": True, "y": True})
    assert decide(None, None, "APPROVED", words=words) == Decision("ignored", "APPROVED")
    assert decide("on_payment", None, None, words=words) == Decision("completed", "on_payment")
    assert decide(None, "Y", None, words=words) == Decision("completed", "Y")


@pytest.mark.parametrize("text", ["On_Hold", "on hold", "onHold", " on-hold ", "on.hold"])
def test_spellings_of_one_word_are_one(text: str) -> None:
    assert normalised(text) == "on-hold"


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_decided(event: str, order: str, payment: str) -> None:
    decision = decide(event, order, payment, words=KNOWN)
    assert decision.outcome in {"completed", "refunded", "cancelled", "ignored", "unknown"}
    assert decision.word in {"", event, order, payment}
