"""A served receiver answers what /openapi.json says, whatever Schemathesis makes of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.end_to_end.processes import Running
from tests.fuzz import described
from tests.fuzz.judge import Judge

EXAMPLES = 12


@pytest.mark.unmeasured
def test_every_answer_is_as_described(launch: Callable[..., Running]) -> None:
    shop = launch(EMBEDDED_WORKER="false", HANDLERS="notify_merchant", METRICS_TOKEN="a-token-that-nobody-guesses")
    judge = Judge()
    asked = {
        operation.label: described.ask(operation, shop.base, judge, examples=EXAMPLES, number=1)
        for operation in described.operations(shop.base)
    }

    assert shop.process.stop() == 0
    judge.look_at_disk(shop.kit)
    assert len(asked) == 15  # all but GET of the description itself
    assert sum(asked.values()) > 4 * EXAMPLES
    assert judge.statuses.keys() >= {200, 202, 401, 404}
    assert "Traceback" not in shop.log
