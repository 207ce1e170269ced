"""An id is given once: what was deleted never leaves its number, and what the merchant knows of it, to another row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, func, select, text, update

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.storage import migrations
from receiver.storage.columns import Base
from receiver.storage.database import Database
from receiver.storage.models import MailRow
from tests.damage import ADDED, LOST, beside_tables
from tests.mail.test_notices import MAIL_FAILED, a_day_later, fail_mail, headlines
from tests.served import Served

#: The schema before ids were given once.
BEFORE = "0006"
LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def idle(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve without running jobs; every look for trouble is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    return serve(work=False, SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Give a database as the release before left it."""
    (tmp_path / "old.sqlite").touch()
    database = Database(f"sqlite:///{tmp_path}/old.sqlite", tmp_path / "write.lock")
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _head: upgrade(config, BEFORE))
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


def counting_on(engine: Engine) -> dict[str, int]:
    """Give the highest id that each table has given."""
    with engine.connect() as connection:
        return {row.name: row.seq for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}


def test_a_failed_mail_is_told_of_after_retention_has_removed_all_others(idle: Served) -> None:
    for _ in range(3):
        fail_mail(idle)
    assert headlines(idle) == [MAIL_FAILED]
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


def test_the_migrated_tables_give_an_id_once_where_the_models_do(kit: Kit) -> None:
    """What compares the other parts of a schema leaves this out."""
    counted = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
    with kit.database.read() as session:
        found = set(session.scalars(counted))
    tables = Base.metadata.tables.values()
    assert found == {table.name for table in tables if table.dialect_options["sqlite"]["autoincrement"]}
    assert {"mails", "customers", "refusals", "transmissions", "transmission_attempts"} <= found


def test_an_upgrade_keeps_all_rows_and_counts_on_from_what_was_told(old: Database) -> None:
    execute(
        old,
        """INSERT INTO orders (id, source, key, test, encoding, fields, fields_digest, notes, proof, fingerprint,
            received_at, state) VALUES (7, 'x', 'evt_1', 0, 'form', '[]', '', '[]', '', '', 1, 'done');
        INSERT INTO order_handlers (id, order_pk, name, position, state, waiting_since, changed_at)
            VALUES (3, 7, 'h', 1, 'done', 1, 1);
        INSERT INTO customers (id, email, accepts_marketing, registered_at) VALUES (5, 'ada@shop.example', 1, 1);
        INSERT INTO accounts (customer_pk) VALUES (5);
        INSERT INTO transmissions (id, event_id, order_id, test, "order", created_at, state)
            VALUES (2, 'evt_1', 'A-1', 0, '{}', 1, 'held');
        INSERT INTO notices (kind, last_seen) VALUES ('mail_failed', 30), ('card_data', 40), ('order_gap', 6),
            ('transmission_refused', 50), ('transmission_given_up', 1700000000000), ('quiet_hours', 1700000000000)""",
    )
    kept = ("orders", "order_handlers", "customers", "accounts", "transmissions", "notices")

    before = [rows(old, table) for table in kept]
    migrations.upgrade(old.engine)

    for table, then in zip(kept, before, strict=True):
        assert [{name: row[name] for name in then[0]} for row in rows(old, table)] == then
    assert counting_on(old.engine) == {
        "mails": 30,
        "customers": 5,
        "refusals": 40,
        "transmissions": 2,
        "transmission_attempts": 50,
    }
    with old.engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_what_the_merchant_has_added_to_a_table_is_there_after_an_upgrade(old: Database) -> None:
    for statement in ADDED:
        execute(old, statement.format(table="mails"))
    before = {name: sql for name, sql in beside_tables(old) if "mails" in sql}
    migrations.upgrade(old.engine)

    assert before.items() <= beside_tables(old)
    with old.read() as session:
        session.execute(text("SELECT * FROM mails_view"))


@pytest.mark.parametrize("column", LOST)
def test_a_table_that_would_lose_something_is_not_upgraded(old: Database, column: str) -> None:
    execute(old, f"ALTER TABLE mails ADD COLUMN {column}")
    before = beside_tables(old)
    with pytest.raises(ConfigurationError, match=f"the table mails .* would be lost: {LOST[column]}. Nothing"):
        migrations.upgrade(old.engine)

    assert migrations.version(old.engine) == BEFORE
    assert beside_tables(old) == before


def test_children_go_with_their_parents_after_an_upgrade(old: Database) -> None:
    """Foreign keys are off while tables are rebuilt, and on again for whoever uses the connection next."""
    migrations.upgrade(old.engine)
    execute(
        old,
        """INSERT INTO customers (id, email, accepts_marketing, registered_at) VALUES (5, 'ada@shop.example', 1, 1);
        INSERT INTO accounts (customer_pk) VALUES (5);
        DELETE FROM customers""",
    )
    assert rows(old, "accounts") == []
