"""The console's error pages: a wrong setting and an impossible action have different ones."""

from __future__ import annotations

import pytest

from receiver.errors import ConfigurationError, NotPossible, NotThere
from receiver.storage.order_filters import OrderFilter
from tests.web.console.visitor import Visitor


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (ConfigurationError("SECRET_KEY is not set."), 503, "A setting is wrong"),
        (NotPossible("It is being run at this moment."), 409, "That can't be done"),
        (NotThere("No order has this receipt."), 404, "Not Found"),
    ],
)
def test_each_kind_of_refusal_has_its_page_and_a_wrong_setting_is_logged(
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    title: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(OrderFilter, "totals", refuse)
    page = visitor.get("/admin/orders")
    assert page.status == status
    assert title in page.text
    assert str(error) in page.text
    assert (f"GET /admin/orders failed: {error}" in caplog.text) == (status == 503)
