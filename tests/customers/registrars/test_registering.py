"""From the order to the website's own table: by settings, over real sockets, with everything between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.customers.registrars.registrations import FAILED
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import MailRow
from tests.commanding import runner
from tests.customers.registrars.websites import Website
from tests.served import Served, order_fields, signed

BROKEN = {"url": "mysql+pymysql://root@127.0.0.1:1/x", "table": "users", "columns": {"email": "email"}}


def registered(shop: Served) -> None:
    """Wait until nothing is left to be registered."""
    shop.settled(60)
    shop.wait_for(lambda: all(row.state != "open" for row in shop.rows(RegistrationRow)), 30)


@pytest.mark.unmeasured
def test_twenty_parallel_orders_of_one_customer_make_one_row_with_the_newest_data(
    serve: Callable[..., Served], site: Website
) -> None:
    shop = serve(REGISTRAR="sql", registrar=site.settings(update=["first_name", "display_name", "phone"]))
    start = datetime(2026, 11, 23, tzinfo=UTC)

    def order(number: int) -> int:
        dated = (start + timedelta(minutes=number)).isoformat()
        fields = order_fields(customer_first_name=f"Ada {number}", customer_phone=str(number), order_date=dated)
        return shop.post(fields | {"customer_email": "ADA@shop.example" if number % 2 else "ada@shop.example"}).status

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(order, range(20))) == {202}
    registered(shop)

    (row,) = site.rows()
    assert (row["email"], row["first_name"], row["phone"]) == ("ada@shop.example", "Ada 19", "19")
    (job,) = shop.rows(RegistrationRow)
    assert (job.state, job.detail is not None) == ("done", True)


def test_a_test_transmission_registers_nobody(serve: Callable[..., Served], file_site: Website) -> None:
    shop = serve(REGISTRAR="sql", registrar=file_site.settings())
    body = urlencode(order_fields(test="true")).encode()
    assert shop.post(body, headers=signed(body)).status == 200
    shop.settled()

    assert shop.handler_states()["register_customer"] == "done"
    assert (shop.rows(RegistrationRow), file_site.rows()) == ([], [])


@pytest.mark.parametrize("registrar", ["accounts", "none"])
def test_other_registrars_register_on_no_website(serve: Callable[..., Served], registrar: str) -> None:
    shop = serve(REGISTRAR=registrar)
    shop.post(order_fields())
    shop.settled()

    assert shop.rows(RegistrationRow) == []
    assert (f"{registrar}: customers aren't registered on a website", "ok") in findings(shop.kit)


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("sql", {}, 'REGISTRAR is "sql", so config.toml needs a table [registrar]'),
        ("http", {"url": "x", "body": {"email": "{email}"}}, "[registrar] in config.toml: url: "),
    ],
)
def test_a_wrong_table_is_reported_at_the_start(
    make_app: Callable[..., Flask], name: str, table: Any, said: str
) -> None:
    kit: Kit = make_app(REGISTRAR=name, registrar=table).extensions["receiver"]
    assert any(problem.startswith(said[:40]) for problem in kit.paused)
    assert kit.problems == []


def test_a_failed_one_is_reported_and_registered_once_the_table_is_fixed(
    serve: Callable[..., Served], make_app: Callable[..., Flask], file_site: Website
) -> None:
    shop = serve(REGISTRAR="sql", registrar=BROKEN, RETRY_SCHEDULE=[])
    shop.post(order_fields())
    registered(shop)

    assert shop.rows(RegistrationRow)[0].state == "failed"
    assert any("failed: 1. Latest error: The website's database says" in text for text, _ in findings(shop.kit))
    shop.wait_for(lambda: any("couldn't be registered on your website" in mail.subject for mail in shop.rows(MailRow)))

    with shop.kit.database.read() as session:
        assert FAILED in shop.kit.notices.standing(session, datetime.now(UTC))
    shop.kit.engine.stop()  # its registrar is the broken one still
    fixed = {"REGISTRAR": "sql", "registrar": file_site.settings()}
    asked = runner(make_app)("customers", "register", "--all", **fixed)
    assert asked.output.startswith("To be registered: 1.")
    assert make_app(**fixed).extensions["receiver"].registrations.run_next()
    assert [row["email"] for row in file_site.rows()] == ["ada@shop.example"]


def test_the_command_registers_one_again(make_app: Callable[..., Flask], file_site: Website, shop: Served) -> None:
    shop.post(order_fields())
    shop.settled()
    run, fixed = runner(make_app), {"REGISTRAR": "sql", "registrar": file_site.settings()}

    assert run("customers", "register", "ADA@shop.example", **fixed).output.startswith("To be registered: 1.")
    with shop.kit.database.read() as session:
        assert session.scalars(select(RegistrationRow)).one().state == "open"
    assert "There is no customer x@y" in run("customers", "register", "x@y", **fixed).output
    assert "Give one EMAIL, or --all" in run("customers", "register", **fixed).output
    assert "REGISTRAR is accounts" in run("customers", "register", "--all").output


def findings(kit: Kit) -> list[tuple[str, str]]:
    """Return what doctor says about the registrar."""
    return [(one.text, one.state) for one in diagnose(kit) if one.subject == "registrar"]
