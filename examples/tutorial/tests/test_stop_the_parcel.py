"""stop_the_parcel: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

from receiver.testing import HandlerCases


class TestIt(HandlerCases):
    name = "stop_the_parcel"


def test_a_refund_says_how_much_went_back(make_order, run_handler, outbox):
    order = make_order(event="order.refunded", refund_total="12.00")
    trial = run_handler("stop_the_parcel", order)

    assert (trial.state, trial.detail) == ("done", f"order.refunded: {order.order_id}")
    assert "12.00 EUR went back" in outbox[0].text
