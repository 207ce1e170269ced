"""note_what_to_pack: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

from sqlalchemy import text

from receiver.testing import HandlerCases


class TestIt(HandlerCases):
    name = "note_what_to_pack"


def test_each_item_is_a_row(run_handler):
    trial = run_handler("note_what_to_pack")

    with trial.kit.database.read() as session:
        rows = session.execute(text("SELECT sku, quantity FROM to_pack ORDER BY line")).all()
    assert rows == [("MUG-RED-L", 2), ("STK-JP", 5), ("TEE-NAVY-M", 1)]
