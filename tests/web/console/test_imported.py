"""An imported order in the console: its handlers are off, and each can be run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.commanding import runner
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

PAGE = "/admin/orders/rcp_00000001"


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def test_its_page_says_that_handlers_are_off_and_runs_one(
    shop: Served, make_app: Callable[..., Flask], visitor: Visitor, tmp_path: Path
) -> None:
    (tmp_path / "one.json").write_text(json.dumps(order_fields(order_id="A-1")))
    assert runner(make_app)("orders", "import", str(tmp_path / "one.json")).exit_code == 0

    page = visitor.get(PAGE)
    assert "They're off, because the order was imported." in page.text
    assert "email_customer hasn't run. Run now" in page.text
    assert "Verified by nobody: it was imported, with its handlers off" in page.text

    visitor.post(f"{PAGE}/run", {"handler": "register_customer"})
    while shop.kit.processor.run_next():
        pass
    page = visitor.get(PAGE)
    assert "the order was imported with handlers off" in page.text
    assert shop.handler_states()["register_customer"] == "done"
    assert shop.handler_states()["email_customer"] == "skipped"
