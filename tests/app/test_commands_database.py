"""flask database copy moves an instance: what it took before is known afterwards, and a killed copy goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import insert

from receiver.app.components import Kit
from receiver.storage import migrations
from receiver.storage.clock import utc_now
from receiver.storage.models import CustomerRow, MailRow
from tests.commanding import lines, runner
from tests.end_to_end.processes import Process
from tests.served import Served, order_fields
from tests.waiting import wait_for

# The source is a file of SQLite, the target a server, whatever the other tests run on.
pytestmark = pytest.mark.sqlite
_CUSTOMERS = 1500


def file_of(instance: Path) -> str:
    return f"sqlite:///{instance / 'receiver.sqlite'}"


def test_an_instance_goes_on_where_it_was(
    empty_url: str, instance: Path, serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    before = serve()
    order = order_fields(event_id="evt_1")
    receipt = before.post(order).content["receipt"]
    before.settled()
    before.kit.engine.stop()

    moved = runner(make_app)("database", "copy", file_of(instance), empty_url)

    assert moved.exit_code == 0, moved.output
    assert any(line.startswith("orders: verified 1, SHA-256 ") for line in lines(moved))
    after = serve(DATABASE_URL=empty_url)
    new, again = after.post(order_fields(event_id="evt_2")), after.post(order)
    assert (new.status, new.content["receipt"]) == (202, "rcp_00000002")
    assert (again.status, again.content["receipt"]) == (200, receipt)
    after.settled()
    assert [mail.state for mail in after.rows(MailRow)] == ["sent"] * len(before.rows(MailRow)) * 2


def test_what_to_do_next_is_said_without_the_password(
    empty_url: str, instance: Path, make_app: Callable[..., Flask]
) -> None:
    with_password = empty_url.replace("postgres@", "postgres:s3cr3t-word@")
    moved = runner(make_app)("database", "copy", file_of(instance), with_password)
    assert moved.exit_code == 0, moved.output
    *_, last = lines(moved)
    assert "Now set DATABASE_URL to postgresql+psycopg://postgres:***@127.0.0.1" in last
    assert f"in {instance / 'config.toml'}" in last
    assert "secret_key" in last
    assert "s3cr3t-word" not in moved.output


@pytest.mark.parametrize(
    "url", ["", "mysql://root:s3cr3t-word@127.0.0.1/shop", "sqlite://", "postgresql:// :s3cr3t-word"]
)
def test_a_url_of_no_database_is_refused_without_being_shown(
    instance: Path, make_app: Callable[..., Flask], url: str
) -> None:
    refused = runner(make_app)("database", "copy", file_of(instance), url)
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: TARGET ")
    assert "s3cr3t-word" not in refused.output


def test_a_server_that_cannot_be_reached_is_named(instance: Path, make_app: Callable[..., Flask]) -> None:
    refused = runner(make_app)("database", "copy", file_of(instance), "postgresql://me:s3cr3t-word@127.0.0.1:1/shop")
    assert refused.exit_code == 1
    assert "port 1 failed" in refused.output
    assert "s3cr3t-word" not in refused.output


def test_a_database_is_not_copied_onto_itself(instance: Path, make_app: Callable[..., Flask]) -> None:
    refused = runner(make_app)("database", "copy", file_of(instance), file_of(instance))
    assert refused.exit_code == 1
    assert "are the same database" in refused.output


def test_a_copy_that_was_killed_goes_on_where_it_ended(
    empty_url: str, instance: Path, kit: Kit, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    emails = [f"c{number}@shop.example" for number in range(_CUSTOMERS)]
    with kit.database.write() as session:
        values = {"accepts_marketing": False, "registered_at": utc_now()}
        session.execute(insert(CustomerRow), [{"email": email, **values} for email in emails])
    run = runner(make_app)
    target: Kit = make_app(DATABASE_URL=empty_url).extensions["receiver"]
    migrations.upgrade(target.database.engine)

    # Another one's row, which may yet be committed, holds up the second batch.
    with psycopg.connect(empty_url) as other, psycopg.connect(empty_url, autocommit=True) as looking:
        other.execute(
            "INSERT INTO customers (id, email, accepts_marketing, registered_at) VALUES (%s, '', false, 0)",
            [_CUSTOMERS],
        )
        command = ["flask", "database", "copy", file_of(instance), empty_url]
        copying = Process(command, os.environ, tmp_path / "log")
        wait_for(lambda: looking.execute("SELECT count(*) FROM customers").fetchone() == (1000,))
        copying.kill()
        other.rollback()
    assert "isn't complete" in run("orders", "list", DATABASE_URL=empty_url).output

    again = run("database", "copy", file_of(instance), empty_url)

    assert again.exit_code == 0, again.output
    assert "customers: 1000 there already, up to 1000" in lines(again)
    assert any(line.startswith(f"customers: verified {_CUSTOMERS}, ") for line in lines(again))
