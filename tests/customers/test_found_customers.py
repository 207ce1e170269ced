"""What a customer is found by follows each change, and an upgrade writes it for those who are there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from receiver.customers import records
from receiver.storage import migrations
from tests.storage.schemas import of_1_0_0


def test_an_upgrade_writes_it_for_all_customers(tmp_path: Path) -> None:
    old = of_1_0_0(tmp_path / "old.sqlite")
    with old.write() as session:
        for number in range(1, 1003):
            session.execute(
                text(
                    "INSERT INTO customers (email, first_name, last_name, accepts_marketing, registered_at)"
                    " VALUES (:email, 'Zoë', :last, 0, 0)"
                ),
                {"email": f"c{number}@kunde.de", "last": f"Łukasz{number}"},
            )
    migrations.upgrade(old.engine)
    with old.read() as session:
        assert [row.id for row in session.scalars(records.newest("zoe lukasz1002"))] == [1002]
        assert [row.id for row in session.scalars(records.newest("c1@kunde"))] == [1]
