"""What is given in confidence stays out of logs, pages, answers, figures and hints, on every path that it can take."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from redis import Redis

from receiver.orders.sample import dummy_order
from receiver.relay.recording import record
from receiver.storage.models import AdministratorRow, HandlerRow, MailRow, QuarantineRow, RefusalRow
from tests import stores
from tests.commanding import runner
from tests.conftest import QUICKLY_CHECKED
from tests.end_to_end.canary import CARD, CONFIDENTIAL, EMAIL, HANDLERS, METRICS_TOKEN, PERSON, PERSONAL, SOURCE, found
from tests.end_to_end.canary_paths import BROKEN, COMMANDS, IMPERSONAL, OTHER_COMMANDS, WAYS, go
from tests.end_to_end.processes import Running, granian
from tests.hostile_servers import reply, serving
from tests.redis_servers import redis_server
from tests.served import SECRET
from tests.smtp_servers import HOST, Mailbox, smtp_server
from tests.waiting import SOON
from tests.web.console.visitor import Page, Visitor
from tests.web.console.walking import every_page

_TABLES = """
RELAY_ALLOW_PRIVATE = true
HTTP_ALLOW = ["127.0.0.1"]
REGISTRAR = "http"
registrar = {{url = "{url}/users", allow_private = true, body = {{email = "{{email}}"}}}}
sources = {{asked = {{kind = "asked", secrets = ["the asked shop's own secret"]}}}}
"""


def test_what_is_given_in_confidence_leaks_nowhere(
    launch: Callable[..., Running],
    add_handler: Callable[[str, str], None],
    make_app: Callable[..., Flask],
    instance: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything is logged; the server is killed in between; whoever it talks to repeats what it was told."""
    add_handler("canary", HANDLERS)
    (instance / "sources").mkdir(exist_ok=True)
    (instance / "sources" / "asked.py").write_text(SOURCE, "utf-8")
    said = f"Nobody called Zanzibarina, {EMAIL}, lives at Quoxstreet 7.".encode()
    mailbox = Mailbox(recipient_answer=f"550 5.1.1 <{EMAIL}> Zanzibarina is unknown here")
    with smtp_server(mailbox) as port, serving(reply("500 Error", said)) as echo, redis_server(tmp_path) as redis:
        (instance / "config.toml").write_text(_TABLES.format(url=echo.url("")), "utf-8")
        settings: dict[str, Any] = {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_DEFAULT_SENDER": "shop@laden.de"}
        settings |= {"RETRY_SCHEDULE": "1", "MERCHANT_EMAIL": "owner@laden.de"}
        settings |= {"LOG_LEVEL": "debug", "METRICS_TOKEN": METRICS_TOKEN, "QUEUE_URL": redis.url}
        command = partial(granian, app="tests.end_to_end.faulty_app:app", log_level="debug")
        with heard(redis.url) as hints:
            shop = launch(command, **settings)
            replies = _walk(shop, echo.url())
            shop.process.kill()
            shop.restart()
            shop.let_leases_run_out()
            shop.wait_until_it_answers()
            shop.settled(60)
            visitor = Visitor(shop.base)
            assert visitor.sign_in().status == 200
            pages = [_mapping_tried(shop, visitor), *every_page(visitor, make_app())]
            figures = visitor.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
            shop.process.stop()
            mails = {row.state for row in shop.rows(MailRow) if row.handler}
        printed = _commanded(make_app, tmp_path, monkeypatch)

    assert {name: replies[name].status for name in WAYS} == {name: way.status for name, way in WAYS.items()}
    assert mails == {"failed"}
    # The paths were walked and logged, or the search below would prove nothing.
    states = {row.name: row.state for row in shop.rows(HandlerRow) if row.order_pk == 1}
    assert {state for name, state in states.items() if name.startswith("fails")} == {"failed"}
    for trace in (
        "rcp_00000001: handler fails failed: RuntimeError at receiver/dispatch/attempt.py, line ",
        "rcp_00000001: handler fails_in_a_chain failed: ExceptionGroup at ",
        "rcp_00000001: handler fails_by_leaving failed: SystemExit at ",
        "a warning: UserWarning at canary.py",
        "a log line can't be written: TypeError at canary.py",
        ": it failed\nValueError at ",
        "a thread ended: ValueError at ",
        "Task exception was never retrieved\n",
        "an error at an object's end: ValueError at ",
        "asking about a POST of the source asked failed: RuntimeError at ",
        "POST /orders failed: RuntimeError",
    ):
        assert trace in shop.log
    assert figures.status == 200
    assert hints
    everywhere = {"the log": shop.log, "the figures": figures.html, "the hints": " ".join(hints)}
    answers = {f"the answer: {name}": json.dumps(reply.content) for name, reply in replies.items()}
    in_the_test = answers.pop("the answer: a test")  # what handlers made of it: whoever sent it may know
    everywhere |= answers
    everywhere |= {f"flask {' '.join(words)}": text for words, text in printed.items() if not COMMANDS[words]}
    everywhere |= {path: page.html for path, page in pages if IMPERSONAL.fullmatch(path)}
    assert {place: leaked for place, text in everywhere.items() if (leaked := found(text, *PERSONAL))} == {}
    everywhere |= {f"flask {' '.join(words)}": text for words, text in printed.items()}
    everywhere |= {path: page.html for path, page in pages} | {"the answer: a test": in_the_test}
    everywhere["the database"] = stores.stored(instance)
    assert {place: leaked for place, text in everywhere.items() if (leaked := found(text, *CONFIDENTIAL))} == {}
    assert found(everywhere["the database"], EMAIL, CARD[:-4], "4111 1111 1111") == [EMAIL]


def test_every_command_is_in_the_table(make_app: Callable[..., Flask]) -> None:
    def named(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
        for name, command in group.commands.items():
            yield from named(command, *before, name) if isinstance(command, click.Group) else [(*before, name)]

    tried = {words[:length] for words in COMMANDS for length in (1, 2)}
    untried = {" ".join(words) for words in named(make_app().cli) if words not in tried}
    assert untried == OTHER_COMMANDS


def _walk(shop: Running, url: str) -> dict[str, Any]:
    """Send every kind of POST, and an order on to somebody who repeats it."""
    shop.kit.controls.save(enabled=True, url=url, encoding="form", sends_secret_field=True)
    with shop.kit.database.write() as session:
        session.get_one(AdministratorRow, 1).password_hash = QUICKLY_CHECKED
        order = dummy_order(now=datetime.now(UTC), nonce="x")
        customer = order.customer.model_copy(update={"email": EMAIL, "last_name": "Zanzibarina"})
        record(session, order.model_copy(update={"customer": customer}), now=datetime.now(UTC))
    replies = {name: go(shop, way) for name, way in WAYS.items()}
    refused = [name for name, way in WAYS.items() if 400 <= way.status < 500]
    shop.wait_for(lambda: len(shop.rows(RefusalRow)) >= len(refused), 60)
    shop.wait_for(lambda: any(row.detail for row in shop.rows(QuarantineRow)), 60)
    return replies


def _mapping_tried(shop: Running, visitor: Visitor) -> tuple[str, Page]:
    """Try a mapping on what's parked, and return the page that shows what comes of it."""
    path = next(f"/admin/parked/{row.receipt}/map" for row in shop.rows() if "BuyerEmail" in row.fields)
    page = visitor.post(path, {"order_id:other": "AuthKey", "currency:other": "EUR", "do": "try"})
    assert page.status in {200, 422}
    return path, page


def _commanded(
    make_app: Callable[..., Flask], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[str, ...], str]:
    """Run every command, and return what it printed."""
    monkeypatch.chdir(folder)
    (folder / "saved.json").write_text(json.dumps(PERSON | {"order_id": "S-1", "key": SECRET}), "utf-8")
    (folder / "broken.json").write_bytes(BROKEN)
    results = {words: runner(make_app)(*words, METRICS_TOKEN=METRICS_TOKEN) for words in COMMANDS}
    failed = {words: repr(one.exception) for words, one in results.items() if one.exit_code not in {0, 1}}
    assert failed == {}
    assert all(isinstance(one.exception, SystemExit | None) for one in results.values())
    return {words: one.output for words, one in results.items()}


@contextmanager
def heard(url: str) -> Iterator[list[str]]:
    """Collect every command that a Redis server is given."""
    commands: list[str] = []
    # Without a timeout: for as long as the server takes to start, there's nothing to hear.
    with Redis.from_url(url, socket_timeout=None) as client, client.monitor() as monitor:

        def listen() -> None:
            while not commands or commands[-1] != "ECHO over":
                commands.append(monitor.next_command()["command"])

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield commands
        client.echo("over")
        thread.join(SOON)
