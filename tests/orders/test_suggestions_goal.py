"""Suggestions on bodies in the shape of real shops: how many are right, how many are found, and with how much work."""

from __future__ import annotations

from functools import partial

import pytest

from receiver.orders import Fields, explain
from tests import suggestions_score
from tests.effort import steps

#: Trying each value as a date takes some 20,000.
MOST_STEPS_A_FIELD = 4_000


def test_suggestions_are_right_and_found_as_often_as_promised() -> None:
    judged = suggestions_score.judge_all()
    precision, recall = suggestions_score.score(judged)
    amiss = [one for one in judged if one.verdict in ("wrong", "missed")]
    assert precision >= 0.98, amiss
    assert recall >= 0.85, amiss


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "fields",
    [
        [(f"k{n}", "2026-13-45 at 20") for n in range(1_000)],
        [("data." * (n % 30) + f"created_at{'.data' * (n // 30)}", f"2026-11-23 14:05 {n}") for n in range(1_000)],
        [("a" + "[0]" * 60 + f".b{n}", "5.00") for n in range(1_000)],
        [("abcdefghijklmnop" * 12 + str(n), "5.00") for n in range(1_000)],
    ],
    ids=["nearly dates", "names of dates", "lists in lists", "long words"],
)
def test_whatever_the_names_are_a_field_takes_little_work(fields: Fields) -> None:
    assert steps(lambda: explain(fields, None)) < MOST_STEPS_A_FIELD * len(fields)


@pytest.mark.unmeasured
def test_a_large_body_is_looked_at_whole_and_twice_as_much_is_twice_the_work() -> None:
    flood = [(f"n{'abcdefghij'[n % 10]}.group{n}.total_price{n}", "5.00") for n in range(1_990)]
    fields = [*flood, ("order_ref", "77"), ("shipping_address.city", "Brest"), ("grand_total", "19.00")]
    suggested = {one.field: one.rule for one in explain(fields, None).suggestions}
    assert suggested == {"order_id": "order_ref", "shipping.city": "shipping_address.city", "total": "grand_total"}
    half, quarter = (steps(partial(explain, fields[:most], None)) for most in (1_000, 500))
    assert half < 2.5 * quarter
