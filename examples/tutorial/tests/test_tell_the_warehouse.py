"""tell_the_warehouse: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

from receiver.testing import HandlerCases


class TestIt(HandlerCases):
    name = "tell_the_warehouse"


def test_it_mails_what_is_to_be_packed(run_handler, outbox):
    trial = run_handler("tell_the_warehouse")

    assert (trial.state, trial.detail) == ("done", "3 items")
    (mail,) = outbox
    assert mail.recipient == "warehouse@your-shop.example"
    assert "2 x Enamel mug" in mail.text


def test_without_an_address_there_is_nothing_to_ship(make_order, run_handler, outbox):
    trial = run_handler("tell_the_warehouse", make_order(shipping=None))

    assert (trial.state, trial.detail) == ("skipped", "nothing to ship")
    assert outbox == []
