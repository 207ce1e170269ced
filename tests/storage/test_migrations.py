"""The schema's upgrades lead to the models, and none is made without a backup."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, text

from receiver.app.components import Kit
from receiver.app.instance import set_up
from receiver.errors import ConfigurationError
from receiver.storage import migrations, sqlite
from receiver.storage.columns import Base


def set_version(kit: Kit, version: str) -> None:
    with kit.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def backups(instance: Path) -> list[Path]:
    return list(instance.glob("receiver.sqlite.before-*"))


@pytest.fixture
def unmade(make_app: Callable[..., Flask], tmp_path: Path) -> Kit:
    """Give the parts of an app whose database is not set up."""
    (tmp_path / "unmade.sqlite").touch()
    kit: Kit = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/unmade.sqlite").extensions["receiver"]
    return kit


def test_the_migrated_schema_is_the_models(kit: Kit) -> None:
    with kit.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_indexes_over_part_of_a_table_are_the_models(kit: Kit) -> None:
    """What is compared above leaves the WHERE of an index out."""
    partial = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
    with kit.database.read() as session:
        found = {row.name: row.sql.partition("WHERE ")[2] for row in session.execute(partial)}
    wanted = {
        str(index.name): str(index.dialect_options["sqlite"]["where"])
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert found == wanted


def test_a_database_of_this_release_has_no_problem(kit: Kit) -> None:
    assert migrations.problem(kit.database.engine) is None
    assert migrations.version(kit.database.engine) == migrations.newest()


def test_an_empty_database_is_to_be_set_up(unmade: Kit) -> None:
    assert migrations.problem(unmade.database.engine) == "The database is not set up; run `flask init`."


def test_an_older_schema_is_to_be_upgraded(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"The database has schema {migrations.newest()}, this release needs 0099; run `flask init`."
    monkeypatch.setattr(migrations, "newest", lambda: "0099")
    assert migrations.problem(kit.database.engine) == said


@pytest.mark.parametrize("found", ["0001", "0006", "0016"])
def test_a_schema_from_before_the_first_release_is_refused_with_the_fix(kit: Kit, instance: Path, found: str) -> None:
    set_version(kit, found)
    said = (
        f"The database has schema {found}, from before release 1.0.0, which can't be upgraded. Move the file away and "
    )
    assert (migrations.problem(kit.database.engine) or "").startswith(said)
    with pytest.raises(ConfigurationError, match=r"or bring it to schema .* first"):
        list(set_up(kit, None))
    assert backups(instance) == []


def test_there_is_one_migration_and_a_database_at_its_head_has_nothing_to_do(kit: Kit) -> None:
    assert len(list(Path(migrations.__file__).parent.glob("versions/*.py"))) == 1
    assert f"Database {kit.instance}/receiver.sqlite is up to date" in list(set_up(kit, None))


def test_a_newer_releases_schema_is_named(kit: Kit) -> None:
    set_version(kit, "9999")
    said = "The database has schema 9999, made by a newer release. Install that release again."
    assert migrations.problem(kit.database.engine) == said


def test_a_newer_releases_database_is_left_alone(kit: Kit, instance: Path) -> None:
    set_version(kit, "9999")
    with pytest.raises(ConfigurationError, match="schema 9999, made by a newer release"):
        list(set_up(kit, None))
    assert backups(instance) == []


def test_a_database_that_cannot_be_opened_is_named(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    kit: Kit = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/missing/x.sqlite").extensions["receiver"]
    assert migrations.problem(kit.database.engine) == "The database is not set up; run `flask init`."
    unnamable: Kit = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/{'x' * 300}.sqlite").extensions["receiver"]
    assert migrations.problem(unnamable.database.engine) == "The database is not set up; run `flask init`."
    (tmp_path / "missing" / "x.sqlite").mkdir(parents=True)
    said = "Can't open the database (unable to open database file); see DATABASE_URL and the instance folder."
    assert migrations.problem(kit.database.engine) == said


def test_an_upgrade_is_backed_up_first(kit: Kit, instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest release's upgrade is replaced by one that adds a table, to see both databases."""

    def add_a_table(engine: object) -> None:
        with kit.database.write() as session:
            session.execute(text("CREATE TABLE added (id INTEGER)"))

    monkeypatch.setattr(migrations, "newest", lambda: "0098")
    monkeypatch.setattr(migrations, "upgrade", add_a_table)
    said = list(set_up(kit, None))
    (copy,) = backups(instance)
    assert said == [f"Backed the database up to {copy}", f"Database {instance}/receiver.sqlite upgraded"]
    assert copy.name.startswith("receiver.sqlite.before-0098-")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite.driver.connect(str(copy))) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "orders" in tables
    assert "added" not in tables
    assert "added" in inspect(kit.database.engine).get_table_names()


def test_a_database_that_is_up_to_date_is_not_backed_up(kit: Kit, instance: Path) -> None:
    list(set_up(kit, None))
    assert backups(instance) == []


def test_an_upgrade_waits_for_who_writes_meanwhile(unmade: Kit, tmp_path: Path) -> None:
    """Else it failed under every few orders a second: what it had read first was not the newest any more."""
    other = sqlite.driver.connect(tmp_path / "unmade.sqlite", isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE of_theirs (id INTEGER)")
        commit = threading.Timer(0.3, other.execute, ["COMMIT"])
        commit.start()
        migrations.upgrade(unmade.database.engine)
        commit.join()
    assert {"orders", "of_theirs"} <= set(inspect(unmade.database.engine).get_table_names())


def test_an_upgrade_that_fails_leaves_nothing_behind(unmade: Kit) -> None:
    """All of it is one transaction: a half-made schema is never found."""
    with unmade.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE refusals (id INTEGER)")
    with pytest.raises(Exception, match="table refusals already exists"):
        migrations.upgrade(unmade.database.engine)
    assert inspect(unmade.database.engine).get_table_names() == ["refusals"]
