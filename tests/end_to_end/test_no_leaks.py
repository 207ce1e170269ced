"""What is given in confidence stays out of every log, and what must never be kept out of the database too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from receiver.storage.models import HandlerRow, MailRow
from tests import stores
from tests.end_to_end.processes import Running, granian, gunicorn
from tests.served import SECRET, Reply, order_fields, signed
from tests.smtp_servers import HOST, Mailbox, smtp_server
from tests.web.console.visitor import Visitor

EMAIL = "canary.q7x@kunde.de"
CARD = "4111111111111111"
#: None of these may be logged, in any spelling.
PERSONAL = ("canary.q7x", "Zanzibarina", "Quoxstreet", "+49 30 99887766")
_OTHER_SECRET = "whsec_" + "d3Jvbmctc2VjcmV0LW9mLXRoZS10ZXN0cy0zMmJ5dGU="
_FAILS = """
from sqlalchemy import text
from receiver.handlers import handler

@handler(retries=0)
def fails(order, context):
    context.log.debug("about to fail")
    raise RuntimeError(f"cannot handle {order.customer.email} of {order.customer.first_name}")

@handler(retries=0)
def fails_in_the_database(order, context):
    context.session.execute(text("INSERT INTO nowhere VALUES (:email)"), {"email": order.customer.email})
"""


_LINK = re.compile(r"/account/claim/[A-Za-z0-9_.-]+")


def _flask_run(port: int, **_: object) -> list[str]:
    return ["flask", "run", "--port", str(port)]


def _flask_serve(port: int, **_: object) -> list[str]:
    return ["flask", "serve", "--port", str(port)]


def _gunicorn_with_its_access_log(port: int, **_: object) -> list[str]:
    return [*gunicorn(port, workers=1), "--access-logfile", "-"]


def test_secret_card_number_and_personal_data_leak_nowhere(
    launch: Callable[..., Running], add_handler: Callable[[str, str], None], instance: Path
) -> None:
    """Walks the accepted, parked, refused, failing-handler, 500 and mail-failure paths with everything logged."""
    add_handler("fails", _FAILS)
    mailbox = Mailbox(recipient_answer=f"550 5.1.1 <{EMAIL}> Zanzibarina is unknown here")
    command = partial(granian, app="tests.end_to_end.faulty_app:app", log_level="debug")
    with smtp_server(mailbox) as port:
        mail = {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_DEFAULT_SENDER": "shop@laden.de"}
        shop = launch(command, LOG_LEVEL="debug", RETRY_SCHEDULE="1", MERCHANT_EMAIL="owner@laden.de", **mail)
        replies = _walk_all_paths(shop)
        shop.settled(20)
        shop.wait_for(lambda: _count(shop, "refusals") == 5)
        log = _stopped(shop)

    assert [reply.status for reply in replies] == [202, 202, 202, 401, 401, 401, 422, 400, 500]
    assert {row.state for row in shop.rows(MailRow) if row.handler} == {"failed"}
    assert {row.state for row in shop.rows(HandlerRow) if row.name.startswith("fails")} == {"failed"}
    # The paths were walked and logged, or the search below would prove nothing.
    for trace in (
        "handler fails failed: RuntimeError at receiver/dispatch/attempt.py, line ",
        "POST /orders failed: RuntimeError",
        "POST /orders",
    ):
        assert trace in log
    confidential = (SECRET, SECRET.removeprefix("whsec_"), _OTHER_SECRET, CARD)
    assert _found(log, *confidential, *PERSONAL) == []
    answers = json.dumps([reply.content for reply in replies])
    assert _found(answers, *confidential, *PERSONAL) == []
    stored = stores.stored(instance)
    assert _found(stored, EMAIL) == [EMAIL]
    assert _found(stored, *confidential, CARD[:-4], "4111 1111 1111") == []


@pytest.mark.parametrize("command", [_flask_run, _flask_serve, granian, _gunicorn_with_its_access_log])
def test_no_log_holds_a_link_that_opens_an_account(
    launch: Callable[..., Running], command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is mailed, opened and used; whoever reads the log must not be able to open the account too."""
    monkeypatch.setenv("GRANIAN_LOG_ACCESS_ENABLED", "1")
    shop = launch(command, LOG_LEVEL="debug")
    shop.post(order_fields(customer_email=EMAIL))
    shop.wait_for(lambda: any("/account/claim/" in mail.text for mail in shop.rows(MailRow)))
    link = next(found[0] for mail in shop.rows(MailRow) if (found := _LINK.search(mail.text)))
    visitor = Visitor(shop.base)
    token = visitor.get(link).token
    words = "four plain words here"
    assert visitor.post(link, {"new": words, "again": words}, token=token).url == f"{shop.base}/account/"
    assert visitor.get(f"{link}?again=1").status == 200
    log = _stopped(shop)

    assert _found(log, link.rpartition("/")[2]) == []
    # The visits were logged, or nothing is proven.
    assert log.count("GET /account/claim/...") == 2
    assert log.count("POST /account/claim/...") == 1
    assert "GET /account/ " in log


def _walk_all_paths(shop: Running) -> list[Reply]:
    told = {"customer_email": EMAIL, "customer_first_name": "Zanzibarina", "customer_phone": "+49 30 99887766"}
    person = order_fields(**told, billing_line1="Quoxstreet 7", customer_note=f"Card {CARD}, or 4111 1111 1111 1111")
    foreign = {"BuyerEmail": EMAIL, "Buyer": "Zanzibarina", "AuthKey": SECRET, "Comment": f"my key is {SECRET}"}
    body = "&".join(f"{name}={quote(value)}" for name, value in person.items()).encode()
    changed = body.replace(b"Quoxstreet", b"quoxstreet")
    return [
        shop.post(person),
        shop.post(person | {"order_id": "A-2", "shared_secret": SECRET, "remark": f"{SECRET} twice"}, prove=False),
        shop.post(foreign, prove=False),
        shop.post(person | {"shared_secret": _OTHER_SECRET}, prove=False),
        shop.post(person, headers={"X-Shared-Secret": _OTHER_SECRET}),
        shop.post(changed, headers=signed(body)),
        shop.post(person | {"card_number": CARD, "cvv": "123", SECRET: "a secret for a name"}),
        shop.post(json.dumps(person)[:-9].encode(), content_type="application/json"),
        shop.post(person | {"order_id": "BUG-1"}),
    ]


def _stopped(shop: Running) -> str:
    """Stop the server, which writes out all that it logs, and give its log."""
    shop.process.stop()
    return shop.log


def _found(text: str, *words: str) -> list[str]:
    """Give the words that the text holds, in any case, plain or as a URL spells them."""
    text = text.lower()
    return [word for word in words if word.lower() in text or quote(word, safe="").lower() in text]


def _count(shop: Running, table: str) -> int:
    with shop.kit.database.read() as session:
        return int(session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
