"""How many POSTs may fail before an address has to wait."""

from __future__ import annotations

import pytest

from receiver.security import failures
from receiver.security.failures import MOST, Failures


def test_past_so_many_of_one_source_and_address_the_next_ones_are_too_many() -> None:
    counted = Failures()
    assert [counted.count("eu", "192.0.2.1", 100.0)[0] for _ in range(MOST + 2)] == [0] * MOST + [1, 2]
    assert counted.count("eu", "192.0.2.1", 130.0) == (3, 30)
    assert counted.count("uk", "192.0.2.1", 130.0) == (0, 60)
    assert counted.count("eu", "192.0.2.2", 130.0) == (0, 60)


def test_a_new_minute_begins_at_nothing() -> None:
    counted = Failures()
    for _ in range(MOST + 5):
        counted.count("eu", None, 100.0)
    assert counted.count("eu", None, 160.0) == (0, 60)


def test_one_household_of_ipv6_is_one_address() -> None:
    counted = Failures()
    for number in range(MOST):
        counted.count("eu", f"2001:db8::{number}", 100.0)
    assert counted.count("eu", "2001:db8::ffff", 100.0)[0] == 1


def test_the_oldest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_REMEMBERED", 2)
    counted = Failures()
    for _ in range(MOST):
        counted.count("a", None, 100.0)
    counted.count("b", None, 100.0)
    assert counted.count("a", None, 100.0)[0] == 1
    counted.count("c", None, 100.0)
    assert counted.count("a", None, 100.0)[0] == 0
