"""The diagnosis of what is stored: the schema against the models, the indexes against their tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from receiver.app.components import Kit
from receiver.app.doctor import diagnose, stored
from receiver.app.instance import set_up
from receiver.errors import ConfigurationError
from receiver.storage import migrations
from receiver.storage.models import HandlerRow
from receiver.storage.search import trigrams
from tests.damage import ADDED, LOST, NEVER_FILLED, beside_tables, change, fill, page_of
from tests.served import Served, order_fields
from tests.storage.test_migrations import backups

pytestmark = pytest.mark.sqlite
STRICT = (
    "wrong",
    "the schema doesn't match this release: orders.receipt isn't this release's and must be filled; run `flask init`",
)


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    return serve(work=False)


def of_database(kit: Kit) -> list[tuple[str, str]]:
    """Give what the diagnosis says of the database."""
    return [(one.state, one.text) for one in diagnose(kit) if one.subject == "database"]


def flip_a_byte(kit: Kit, key: bytes) -> None:
    """Change one letter of a key, in the index alone."""
    path, start, page = page_of(kit, key)
    with path.open("r+b") as file:
        file.seek(start + page.index(key) + len(key) - 1)
        file.write(b"x")
    kit.database.engine.dispose()


def test_one_flipped_byte_of_the_index_that_recognises_copies_is_found(shop: Served) -> None:
    order = order_fields(event_id="evt_1234")
    fill(shop.kit)
    ((state, _),) = of_database(shop.kit)
    assert state == "ok"
    flip_a_byte(shop.kit, b"evt_1234")

    ((state, said),) = of_database(shop.kit)

    assert state == "wrong"
    assert "an index doesn't match its table (row 1234 missing from index" in said
    assert "REINDEX" in said
    assert shop.post(order).status == 202, "as said, it is taken though it is there"


def test_the_advice_heals_an_index(shop: Served) -> None:
    fill(shop.kit)
    flip_a_byte(shop.kit, b"evt_1234")
    change(shop.kit, "REINDEX")
    ((state, _),) = of_database(shop.kit)
    assert state == "ok"


def test_what_takes_too_long_to_look_through_is_said(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_SECONDS", 0.0)
    monkeypatch.setattr(stored, "_STEPS", 1)
    fill(shop.kit)
    assert [state for state, _ in of_database(shop.kit)] == ["warning", "warning", "ok"]
    assert "couldn't check the orders within 0 s" in of_database(shop.kit)[0][1]
    assert "intact" not in of_database(shop.kit)[2][1]


def test_a_column_that_no_order_fills_is_reported_with_the_fix(shop: Served) -> None:
    change(shop.kit, NEVER_FILLED)
    assert of_database(shop.kit) == [STRICT]


def test_what_is_missing_is_reported(shop: Served) -> None:
    change(shop.kit, "ALTER TABLE mails DROP COLUMN detail")
    change(shop.kit, "DROP INDEX ix_orders_due")
    change(shop.kit, "DROP TABLE mapped_fields")
    found = {said.removeprefix("the schema doesn't match this release: ") for _, said in of_database(shop.kit)}
    step = "; restore a backup, see “Back up and upgrade” in Help"
    assert found == {
        f"{what} is missing{step}" for what in ("mails.detail", "the index ix_orders_due", "the table mapped_fields")
    }


def test_what_handlers_and_the_merchant_have_added_is_theirs(shop: Served) -> None:
    change(shop.kit, "CREATE TABLE points (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL)")
    change(shop.kit, "CREATE INDEX points_of ON points (customer)")
    change(shop.kit, "CREATE INDEX by_total ON orders (total)")
    change(shop.kit, "ALTER TABLE customers ADD COLUMN loyalty TEXT")
    change(shop.kit, "ALTER TABLE customers ADD COLUMN level INTEGER NOT NULL DEFAULT 1")
    assert [state for state, _ in of_database(shop.kit)] == ["ok"]


def test_flask_init_loosens_a_column_and_keeps_what_is_stored(serve: Callable[..., Served], instance: Path) -> None:
    """The file is backed up first, and what refers to a row of the rebuilt table stays."""
    shop = serve()
    shop.post(order_fields())
    handlers = shop.settled() and [row.name for row in shop.rows(HandlerRow)]
    change(shop.kit, "ALTER TABLE orders ADD COLUMN receipt TEXT")
    change(shop.kit, "UPDATE orders SET receipt = 'an old one'")
    with migrations.changing(shop.kit.database.engine) as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("orders") as orders:
            orders.alter_column("receipt", nullable=False)
    order = order_fields()
    assert shop.post(order).status == 503

    said = list(set_up(shop.kit, None))

    (copy,) = backups(instance)
    assert said[-2:] == [
        f"Backed the database up to {copy}",
        f"Database {instance}/receiver.sqlite: these columns may be empty now: orders.receipt",
    ]
    assert shop.post(order).status == 202
    with shop.kit.database.read() as session:
        assert session.scalars(text("SELECT receipt FROM orders ORDER BY id")).all() == ["an old one", None]
    assert [row.name for row in shop.rows(HandlerRow)][: len(handlers)] == handlers != []
    assert list(set_up(shop.kit, None)) == [f"Database {instance}/receiver.sqlite is up to date"]


def test_what_the_merchant_has_added_to_a_table_that_is_loosened_stays(kit: Kit) -> None:
    for statement in ADDED:
        change(kit, statement.format(table="orders"))
    change(kit, NEVER_FILLED)
    before = beside_tables(kit.database)
    assert list(set_up(kit, None))[-1].endswith("may be empty now: orders.receipt")

    assert beside_tables(kit.database) == before


@pytest.mark.parametrize("column", LOST)
def test_a_table_that_would_lose_something_is_not_loosened(kit: Kit, column: str) -> None:
    change(kit, f"ALTER TABLE orders ADD COLUMN {column}")
    change(kit, NEVER_FILLED)
    before = beside_tables(kit.database)
    with pytest.raises(ConfigurationError, match=f"would be lost: {LOST[column]}. Nothing was changed"):
        list(set_up(kit, None))
    assert beside_tables(kit.database) == before


def test_a_search_without_an_index_is_said_with_the_step(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [one for one in diagnose(kit) if one.subject == "search"]
    monkeypatch.setattr(trigrams, "_SINCE", (99,))
    list(set_up(kit, None))
    (found,) = [one for one in diagnose(kit) if one.subject == "search"]
    assert found.state == "warning"
    assert "it takes SQLite 3.42 or newer with FTS5: pip install pysqlite3, and then run `flask init`" in found.text
    monkeypatch.undo()
    list(set_up(kit, None))
    assert not [one for one in diagnose(kit) if one.subject == "search"]
