"""No log of a server holds a link that opens a customer's account, nor who asked for one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from receiver.storage.models import MailRow
from tests.end_to_end.canary import EMAIL, PERSONAL, found
from tests.end_to_end.processes import Running, granian, gunicorn
from tests.served import order_fields
from tests.web.console.visitor import Visitor

_LINK = re.compile(r"/account/claim/[A-Za-z0-9_.-]+")


def _flask_run(port: int, **_: object) -> list[str]:
    return ["flask", "run", "--port", str(port)]


def _flask_serve(port: int, **_: object) -> list[str]:
    return ["flask", "serve", "--port", str(port)]


def _gunicorn_with_its_access_log(port: int, **_: object) -> list[str]:
    return [*gunicorn(port, workers=1), "--access-logfile", "-"]


@pytest.mark.parametrize("command", [_flask_run, _flask_serve, granian, _gunicorn_with_its_access_log])
def test_no_log_holds_a_link_that_opens_an_account(
    launch: Callable[..., Running], command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is mailed, opened and used; whoever reads the log must not be able to open the account too."""
    monkeypatch.setenv("GRANIAN_LOG_ACCESS_ENABLED", "1")
    shop = launch(command, LOG_LEVEL="debug")
    shop.post(order_fields(customer_email=EMAIL))
    shop.wait_for(lambda: any("/account/claim/" in mail.text for mail in shop.rows(MailRow)))
    link = next(one[0] for mail in shop.rows(MailRow) if (one := _LINK.search(mail.text)))
    visitor = Visitor(shop.base)
    token = visitor.get(link).token
    words = "four plain words here"
    assert visitor.post(link, {"new": words, "again": words}, token=token).url == f"{shop.base}/account/"
    assert visitor.get(f"{link}?again=1").status == 200
    asking = visitor.get("/account/forgotten").token
    assert visitor.post("/account/forgotten", {"email": EMAIL}, token=asking).status == 200
    shop.process.stop()
    log = shop.log

    assert found(log, link.rpartition("/")[2], *PERSONAL) == []
    # The visits were logged, or nothing is proven.
    assert log.count("GET /account/claim/...") == 2
    assert log.count("POST /account/claim/...") == 1
    assert "GET /account/ " in log
