"""print_pick_list: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

import pytest

from receiver.testing import HandlerCases


@pytest.fixture
def handler_settings():
    return {"handlers": {"print_pick_list": {"token": "t", "copies": 2}}}


class TestIt(HandlerCases):
    name = "print_pick_list"


def test_it_prints_as_many_copies_as_are_set(order, run_handler):
    trial = run_handler("print_pick_list", order)

    assert (trial.state, trial.detail) == ("done", f"2 copies of order {order.order_id}")
