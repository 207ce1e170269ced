"""Upgrades lead to the schema that a new database gets from the models, and none is made without a backup."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Column, DefaultClause, Index, MetaData, Text, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from receiver.app.components import Kit
from receiver.app.instance import set_up
from receiver.errors import ConfigurationError
from receiver.storage import migrations, sqlite
from receiver.storage.columns import Base
from tests.storage.schemas import of_1_0_0, schema, unmade


def set_version(kit: Kit, version: str) -> None:
    with kit.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def backups(instance: Path) -> list[Path]:
    return list(instance.glob("receiver.sqlite.before-*"))


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make up the release after this one, whose orders have a gift note, and give its schema's version."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder)
    version = f"{int(migrations.newest() or 0) + 1:04}"
    (folder / "versions" / f"{version}_gift_notes.py").write_text(f"""
import sqlalchemy as sa
from alembic import op
from receiver.storage.migrations.rebuilding import rebuilt
revision, down_revision = "{version}", "{migrations.newest()}"
def upgrade():
    op.add_column("orders", sa.Column("gift_note", sa.Text))
    op.create_index("ix_orders_gift_note", "orders", ["gift_note"], sqlite_where=sa.text("gift_note IS NOT NULL"))
    with rebuilt(op, "mails", sqlite_autoincrement=True) as mails:
        mails.alter_column("detail", nullable=False, server_default="")
""")
    monkeypatch.setattr(migrations, "FOLDER", folder)
    changed = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(changed)
    note = Column("gift_note", Text)
    changed.tables["orders"].append_column(note)
    Index("ix_orders_gift_note", note, sqlite_where=text("gift_note IS NOT NULL"))
    detail = changed.tables["mails"].c.detail
    detail.nullable, detail.server_default = False, DefaultClause("")
    monkeypatch.setattr(Base, "metadata", changed)
    return version


def test_an_upgraded_database_is_like_a_new_one(tmp_path: Path) -> None:
    """Fails for a change of a model that no migration makes, and for a migration that makes another."""
    old, new = of_1_0_0(tmp_path / "old.sqlite"), unmade(tmp_path / "new.sqlite")
    for database in (old, new):
        migrations.upgrade(database.engine)
    assert schema(old) == schema(new)
    assert migrations.version(old.engine) == migrations.version(new.engine) == migrations.newest()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("ALTER TABLE mails ADD COLUMN added TEXT", "columns"),
        ("ALTER TABLE mails DROP COLUMN html", "columns"),
        ("ALTER TABLE mails ADD COLUMN added INTEGER REFERENCES customers (id)", "foreign keys"),
        ("CREATE INDEX added ON mails (html)", "indexes"),
        ("DROP INDEX ix_mails_state", "indexes"),
        ("DROP INDEX ix_mails_leased; CREATE INDEX ix_mails_leased ON mails (lease_until)", "indexes"),
    ],
)
def test_every_part_of_a_schema_is_compared(tmp_path: Path, change: str, part: str) -> None:
    database = of_1_0_0(tmp_path / "old.sqlite")
    before = schema(database)["mails"][part]
    with database.write() as session:
        for statement in change.split(";"):
            session.execute(text(statement))
    assert schema(database)["mails"][part] != before


def test_the_next_releases_migration_leads_from_1_0_0_to_its_models(next_release: str, tmp_path: Path) -> None:
    old, new = of_1_0_0(tmp_path / "old.sqlite"), unmade(tmp_path / "new.sqlite")
    migrations.upgrade(old.engine)
    migrations.upgrade(new.engine)
    assert migrations.version(old.engine) == migrations.version(new.engine) == next_release
    assert schema(old) == schema(new)
    assert any("gift_note" in column for column in schema(new)["orders"]["columns"])


def test_what_was_kept_by_1_0_0_is_brought_along(tmp_path: Path) -> None:
    old = of_1_0_0(tmp_path / "old.sqlite")
    values = {"proof": "header", "fingerprint": "f", "encoding": "", "fields": "[]", "fields_digest": "", "notes": "[]"}
    columns = ", ".join(values)
    with old.write() as session:
        for pk, state, errors, email in (
            (1, "parked", '[{"field": "a", "message": "is odd"}]', None),
            (2, "done", None, "a@xn--bcher-kva.example"),
        ):
            session.execute(
                text(
                    f"INSERT INTO orders (id, source, key, test, state, errors, email, received_at, {columns})"
                    f" VALUES (:id, 's', :id, 0, :state, :errors, :email, 0, {', '.join(f':{one}' for one in values)})"
                ),
                {"id": pk, "state": state, "errors": errors, "email": email, **values},
            )
        for email in ("a@xn--bcher-kva.example", "b@xn--bcher-kva.example", "b@b\u00fccher.example"):
            session.execute(
                text("INSERT INTO customers (email, accepts_marketing, registered_at) VALUES (:email, 0, 0)"),
                {"email": email},
            )
    migrations.upgrade(old.engine)
    with old.read() as session:
        orders = session.execute(text("SELECT parked_as, email FROM orders ORDER BY id")).all()
        customers = session.scalars(text("SELECT email FROM customers ORDER BY id")).all()
    assert orders == [("error:a is odd", None), (None, "a@b\u00fccher.example")]
    assert customers == ["a@b\u00fccher.example", "b@xn--bcher-kva.example", "b@b\u00fccher.example"]


def test_what_was_ignored_for_a_later_event_is_named_so_and_stays_ignored(tmp_path: Path) -> None:
    old = of_1_0_0(tmp_path / "old.sqlite")
    values = {"proof": "header", "fingerprint": "f", "encoding": "", "fields": "[]", "fields_digest": "", "notes": "[]"}
    words = ["order.refunded", "partially_refunded", "canceled", "refunded", "pending", "disputed", None]
    with old.write() as session:
        for pk, decided in enumerate([*words, "completed"]):
            state = "done" if decided == "completed" else "ignored"
            session.execute(
                text(
                    f"INSERT INTO orders (id, source, key, test, state, decided, received_at, {', '.join(values)})"
                    f" VALUES (:id, 's', :id, 0, :state, :decided, 0, {', '.join(f':{one}' for one in values)})"
                ),
                {"id": pk + 1, "state": state, "decided": decided, **values},
            )
    migrations.upgrade(old.engine)
    with old.read() as session:
        rows = session.execute(text("SELECT state, decided FROM orders ORDER BY id")).all()
    assert [decided for _, decided in rows] == [
        *("refunded", "refunded", "cancelled", "refunded", "pending", "disputed", None, "completed"),
    ]
    assert {state for state, _ in rows[:-1]} == {"ignored"}


def test_the_models_can_be_made_on_postgresql_too() -> None:
    tables = Base.metadata.sorted_tables
    parts: list[Any] = [*map(CreateTable, tables), *(CreateIndex(index) for table in tables for index in table.indexes)]
    statements = [str(part.compile(dialect=postgresql.dialect())) for part in parts]  # type: ignore[no-untyped-call]
    assert any("WHERE state = 'open'" in statement for statement in statements)
    assert not [statement for statement in statements if re.search(r"BOOLEAN DEFAULT \d", statement)]


def test_a_database_of_this_release_has_no_problem(kit: Kit) -> None:
    assert migrations.problem(kit.database) is None
    assert migrations.version(kit.database.engine) == migrations.newest()


def test_an_empty_database_is_to_be_set_up(tmp_path: Path) -> None:
    database = unmade(tmp_path / "new.sqlite")
    assert migrations.problem(database) == "The database isn't set up; run `flask init`."


def test_an_older_schema_is_to_be_upgraded(kit: Kit, next_release: str) -> None:
    made = migrations.version(kit.database.engine)
    said = f"The database has schema {made}, this release needs {next_release}; run `flask init`."
    assert migrations.problem(kit.database) == said


@pytest.mark.parametrize("found", ["0001", "0006", "0016"])
def test_a_schema_from_before_the_first_release_is_refused_with_the_fix(kit: Kit, instance: Path, found: str) -> None:
    set_version(kit, found)
    said = (
        f"The database has schema {found}, from before release 1.0.0, which can't be upgraded. Move the file away and "
    )
    assert (migrations.problem(kit.database) or "").startswith(said)
    with pytest.raises(ConfigurationError, match=r"or bring it to schema .* first"):
        list(set_up(kit, None))
    assert backups(instance) == []


def test_a_schema_from_before_the_first_release_is_told_from_a_newer_one_by_all_later_releases(
    kit: Kit, next_release: str
) -> None:
    set_version(kit, "0016")
    assert "or bring it to schema 0017 first" in (migrations.problem(kit.database) or "")


@pytest.mark.sqlite
def test_a_database_of_this_release_has_nothing_to_do(kit: Kit) -> None:
    assert f"Database {kit.instance}/receiver.sqlite is up to date" in list(set_up(kit, None))


def test_a_newer_releases_schema_is_named(kit: Kit) -> None:
    set_version(kit, "9999")
    said = "The database has schema 9999, made by a newer release. Install that release again."
    assert migrations.problem(kit.database) == said


def test_a_newer_releases_database_is_left_alone(kit: Kit, instance: Path) -> None:
    set_version(kit, "9999")
    with pytest.raises(ConfigurationError, match="schema 9999, made by a newer release"):
        list(set_up(kit, None))
    assert backups(instance) == []


def test_a_database_that_cannot_be_opened_is_named(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    kit: Kit = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/missing/x.sqlite").extensions["receiver"]
    assert migrations.problem(kit.database) == "The database isn't set up; run `flask init`."
    unnamable: Kit = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/{'x' * 300}.sqlite").extensions["receiver"]
    assert migrations.problem(unnamable.database) == "The database isn't set up; run `flask init`."
    (tmp_path / "missing" / "x.sqlite").mkdir(parents=True)
    said = "Can't open the database (unable to open database file); see DATABASE_URL and the instance folder."
    assert migrations.problem(kit.database) == said


@pytest.mark.sqlite
def test_an_upgrade_is_backed_up_first(kit: Kit, instance: Path, next_release: str) -> None:
    said = list(set_up(kit, None))
    (copy,) = backups(instance)
    assert said == [f"Backed the database up to {copy}", f"Database {instance}/receiver.sqlite upgraded"]
    assert copy.name.startswith(f"receiver.sqlite.before-{next_release}-")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite.driver.connect(str(copy))) as connection:
        columns = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info('orders')")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "order_id" in columns
    assert "gift_note" not in columns
    assert "gift_note" in {column["name"] for column in inspect(kit.database.engine).get_columns("orders")}
    assert list(set_up(kit, None)) == [f"Database {instance}/receiver.sqlite is up to date"]


def test_a_database_that_is_up_to_date_is_not_backed_up(kit: Kit, instance: Path) -> None:
    list(set_up(kit, None))
    assert backups(instance) == []


def test_of_two_that_set_up_one_database_at_once_the_second_finds_it_made(tmp_path: Path) -> None:
    both = [unmade(tmp_path / "shared.sqlite") for _ in range(2)]
    threads = [threading.Thread(target=migrations.upgrade, args=(database.engine,)) for database in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schema(both[0])["orders"]
    assert migrations.problem(both[1]) is None


def test_an_upgrade_waits_for_who_writes_meanwhile(tmp_path: Path) -> None:
    """Else it failed under every few orders a second: what it had read first was not the newest any more."""
    database = unmade(tmp_path / "new.sqlite")
    other = sqlite.driver.connect(tmp_path / "new.sqlite", isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE of_theirs (id INTEGER)")
        commit = threading.Timer(0.3, other.execute, ["COMMIT"])
        commit.start()
        migrations.upgrade(database.engine)
        commit.join()
    assert {"orders", "of_theirs"} <= set(inspect(database.engine).get_table_names())


def test_tables_that_cannot_all_be_made_leave_nothing_behind(tmp_path: Path) -> None:
    """All of it is one transaction: a half-made schema is never found."""
    database = unmade(tmp_path / "new.sqlite")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE refusals (id INTEGER)")
    with pytest.raises(Exception, match="table refusals already exists"):
        migrations.upgrade(database.engine)
    assert inspect(database.engine).get_table_names() == ["refusals"]


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(next_release: str, tmp_path: Path) -> None:
    database = of_1_0_0(tmp_path / "old.sqlite")
    with database.write() as session:
        session.execute(text("CREATE INDEX ix_orders_gift_note ON orders (email)"))
    before = schema(database)
    with pytest.raises(Exception, match="index ix_orders_gift_note already exists"):
        migrations.upgrade(database.engine)
    assert schema(database) == before
    assert migrations.version(database.engine) == "0017"
