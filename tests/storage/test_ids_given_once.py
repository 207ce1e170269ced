"""An id is given once: what was deleted never leaves its number, and what the merchant knows of it, to another row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from receiver.app.components import Kit
from receiver.storage import migrations
from receiver.storage.columns import Base
from receiver.storage.database import Database
from receiver.storage.models import MailRow
from tests.mail.test_notices import MAIL_FAILED, a_day_later, fail_mail, headlines
from tests.served import Served
from tests.storage.schemas import unmade

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def idle(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve without running jobs; every look for trouble is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes between
    return serve(work=False, SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")


@pytest.fixture
def made(tmp_path: Path) -> Database:
    """Give a database that was just set up, on a connection that made its tables."""
    database = unmade(tmp_path / "made.sqlite")
    migrations.upgrade(database.engine)
    return database


def empty_the_mails(kit: Kit) -> None:
    """Let retention remove every mail: all are old and settled, as after a quiet spell."""
    with kit.database.write() as session:
        session.execute(update(MailRow).values(created_at=LONG_AGO))
        session.execute(update(MailRow).where(MailRow.state == "open").values(state="sent"))
        session.execute(text("UPDATE orders SET state = 'done'"))
    list(kit.retention.purge(datetime.now(UTC)))
    with kit.database.read() as session:
        assert session.scalar(select(func.count()).select_from(MailRow)) == 0


def execute(database: Database, statements: str) -> None:
    with database.write() as session:
        for statement in statements.strip().split(";\n"):
            session.connection().exec_driver_sql(statement)


def rows(database: Database, table: str) -> list[dict[str, object]]:
    every = text(f"SELECT * FROM {table} ORDER BY 1")
    with database.read() as session:
        return [dict(row) for row in session.execute(every).mappings()]


def test_a_failed_mail_is_told_of_after_retention_has_removed_all_others(idle: Served) -> None:
    for _ in range(3):
        fail_mail(idle)
    assert headlines(idle) == [MAIL_FAILED] * 3
    empty_the_mails(idle.kit)
    a_day_later(idle.kit)

    fail_mail(idle)

    assert headlines(idle) == [MAIL_FAILED]


def test_a_mails_number_never_means_another_mail(idle: Served) -> None:
    fail_mail(idle)
    first = max(row.id for row in idle.rows(MailRow))
    empty_the_mails(idle.kit)
    fail_mail(idle)
    assert min(row.id for row in idle.rows(MailRow)) > first


@pytest.mark.sqlite
def test_the_tables_give_an_id_once_where_the_models_do(kit: Kit) -> None:
    counted = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
    with kit.database.read() as session:
        found = set(session.scalars(counted))
    tables = Base.metadata.tables.values()
    assert found == {table.name for table in tables if table.dialect_options["sqlite"]["autoincrement"]}
    assert {"mails", "customers", "refusals", "transmissions", "transmission_attempts"} <= found


def test_children_go_with_their_parents_after_an_upgrade(made: Database) -> None:
    """Foreign keys are off while tables are rebuilt, and on again for whoever uses the connection next."""
    execute(
        made,
        """INSERT INTO customers (id, email, accepts_marketing, registered_at) VALUES (5, 'ada@shop.example', 1, 1);
        INSERT INTO accounts (customer_pk) VALUES (5);
        DELETE FROM customers""",
    )
    assert rows(made, "accounts") == []
