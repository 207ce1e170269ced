"""flask orders import: which orders it makes, and what becomes of what it can't read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from receiver.app.commands import importing as command
from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.intake import importing
from receiver.storage.models import CustomerRow, HandlerRow, MailRow, OrderRow
from tests.commanding import Run, lines, runner
from tests.served import SECRET, Served, order_fields

OFF = "Their handlers are off. To run one on an order: flask orders replay RECEIPT --handler NAME"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def kept(make_app: Callable[..., Flask]) -> Kit:
    """Give the parts of an app that nobody serves, to see what is in its database."""
    kit: Kit = make_app().extensions["receiver"]
    return kit


def rows(kit: Kit) -> list[OrderRow]:
    with kit.database.read() as session:
        return list(session.scalars(select(OrderRow).order_by(OrderRow.id)))


def save(folder: Path, *orders: dict[str, str], name: str = "orders.jsonl") -> str:
    (folder / name).write_text("\n".join(json.dumps(order) for order in orders))
    return str(folder / name)


def counts(result: Result) -> dict[str, int]:
    """Give the counts that aren't 0."""
    return {word: number for word, number in json.loads(result.stdout).items() if number and word in command._WORDS}


def test_orders_are_imported_once_and_no_handler_runs(run: Run, kept: Kit, tmp_path: Path) -> None:
    file = save(tmp_path, order_fields(order_id="A-1"), order_fields(order_id="A-2"))
    assert lines(run("orders", "import", file)) == ["2 imported.", OFF]
    assert [(row.order_id, row.state, row.proof, row.due_at) for row in rows(kept)] == [
        ("A-1", "done", "import", None),
        ("A-2", "done", "import", None),
    ]
    assert lines(run("orders", "import", file)) == ["2 here already."]
    assert [row.copies for row in rows(kept)] == [1, 1]
    assert not kept.processor.is_due()


def test_each_outcome_is_counted_and_broken_ones_are_named(run: Run, kept: Kit, tmp_path: Path) -> None:
    bad = order_fields(card_number="4111111111111111", cvv="123")
    file = save(
        tmp_path,
        order_fields(),
        order_fields(payment_status="unpaid"),
        order_fields(test="true"),
        {"Ref": "1"},
        {"Ref": "2"},
        bad,
        {},
    )
    with (tmp_path / "orders.jsonl").open("a") as more:
        more.write('\n{"order_id": ')
    result = run("orders", "import", file)
    assert result.exit_code == 1
    assert lines(result)[0] == "1 imported, 1 ignored, 2 parked, 1 tests, 3 broken."
    assert lines(result)[1].startswith("Parked, 2: order_id ")
    assert lines(result)[2] == "See what isn't known of the parked ones: flask orders list --parked"
    told = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in told] == ["line 6", "line 7", "line 8"]
    assert "card" in told[0]
    assert told[1] == "line 7: It has no fields."
    assert [(row.state, row.test, row.lease_until) for row in rows(kept)] == [
        ("done", False, None),
        ("ignored", False, None),
        ("done", True, None),
        ("parked", False, None),
        ("parked", False, None),
    ]


def test_a_dry_run_says_what_would_happen_and_keeps_nothing(run: Run, kept: Kit, tmp_path: Path) -> None:
    file = save(tmp_path, order_fields(order_id="A-1"), order_fields(order_id="A-1"), {"Ref": "1"})
    result = run("orders", "import", file, "--dry-run")
    assert lines(result)[0] == "It would be: 1 imported, 1 here already, 1 parked."
    assert rows(kept) == []


def test_handlers_run_when_they_are_asked_for(run: Run, serve: Callable[..., Served], tmp_path: Path) -> None:
    shop = serve()
    file = save(tmp_path, order_fields(order_id="A-1"))
    assert lines(run("orders", "import", file, "--run-handlers"))[-1] == (
        "The server or `flask worker` runs their handlers now."
    )
    shop.settled()
    assert shop.handler_states()["register_customer"] == "done"
    assert [mail.recipient for mail in shop.rows(MailRow)].count("ada@shop.example") == 1


def test_a_handler_that_is_off_can_be_run_by_name_and_no_other_runs(
    run: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    shop = serve()
    run("orders", "import", save(tmp_path, order_fields(order_id="A-1")))
    assert lines(run("orders", "replay", "A-1", "--handler", "register_customer"))[-1].startswith("The server")
    shop.settled()
    states = shop.handler_states()
    assert states.pop("register_customer") == "done"
    assert set(states.values()) == {"skipped"}
    off = [one.detail for one in shop.rows(HandlerRow) if one.state == "skipped"]
    assert set(off) == {"the order was imported with handlers off"}
    assert shop.rows(MailRow) == []
    assert [one.email for one in shop.rows(CustomerRow)] == ["ada@shop.example"]


def test_a_parked_one_that_is_understood_later_runs_no_handler(
    run: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    shop = serve()
    run("orders", "import", save(tmp_path, order_fields(payment_status="in_kiln")))
    run("sources", "state", "shopintegrator", "in_kiln", "paid", "--yes")
    assert [row.state for row in shop.settled()] == ["done"]
    assert set(shop.handler_states().values()) == {"skipped"}


def test_what_was_posted_before_or_comes_later_is_the_same_order(
    run: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    shop = serve(work=False)
    posted, later = order_fields(order_id="A-1"), order_fields(order_id="A-2")
    shop.post(posted)
    assert counts(run("orders", "import", save(tmp_path, posted, later), "--json")) == {"imported": 1, "duplicate": 1}
    assert shop.post(later).content["status"] == "duplicate"
    assert [row.state for row in shop.rows()] == ["open", "done"]


def test_an_export_without_ids_of_events_finds_the_orders_that_had_them(
    run: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1", event_id="evt_1"))
    same, other = order_fields(order_id="A-1"), order_fields(order_id="A-1", total="25.00")
    assert counts(run("orders", "import", save(tmp_path, same, other), "--json")) == {"imported": 1, "duplicate": 1}
    second_store = save(tmp_path, same | {"store_id": "2"})
    assert counts(run("orders", "import", second_store, "--json")) == {"imported": 1}


def test_a_csv_export_is_read_by_the_sources_mapping(run: Run, kept: Kit, tmp_path: Path) -> None:
    fields = {"order_id": "Name", "total": "Total", "items": "$.rows[*]", "items[].name": "@['Lineitem name']"}
    (tmp_path / "export.csv").write_text("Name,Total,Lineitem name\n#1,9,Mug\n#1,,Jug\n#2,3,Cup\n")
    result = run("orders", "import", str(tmp_path / "export.csv"), "--as", "shop", sources={"shop": {"fields": fields}})
    assert lines(result)[0] == "2 imported."
    orders = [json.loads(row.order or "") for row in rows(kept)]
    assert [(one["order_id"], one["total"], [item["name"] for item in one["items"]]) for one in orders] == [
        ("#1", "9", ["Mug", "Jug"]),
        ("#2", "3", ["Cup"]),
    ]
    assert {(row.source, row.encoding) for row in rows(kept)} == {("shop", "text/csv")}


def test_folders_several_files_and_standard_input_are_read(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "saved" / "more"
    folder.mkdir(parents=True)
    save(folder, order_fields(order_id="A-1"), name="1.json")
    save(folder, {"order_id": ""}, {}, name="2.jsonl")
    (folder / ".hidden").write_text("nothing")
    (folder / "3.txt").write_text("Dear shop")
    result = run("orders", "import", str(tmp_path / "saved"), "--json")
    assert counts(result) == {"imported": 1, "parked": 1, "broken": 2}
    assert [one["place"] for one in json.loads(result.stdout)["broken_at"]] == [
        f"{folder / '2.jsonl'}, line 2",
        str(folder / "3.txt"),
    ]
    result = run("orders", "import", "-", "--json", stdin=json.dumps([order_fields(), order_fields()]))
    assert counts(result) == {"imported": 2}
    assert run("orders", "import", "-", stdin="").stdout == "No orders in it.\n"
    assert run("orders", "import", "-", stdin="").exit_code == 1
    assert "No source has this name" in run("orders", "import", "-", "--as", "nobody", stdin="a=1").stderr


def test_progress_is_said_and_groups_are_as_small_as_their_bodies_are_large(
    run: Run, kept: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_EVERY", 2)
    monkeypatch.setattr(importing, "_MOST_ROWS", 2)
    file = save(tmp_path, *[order_fields() for _ in range(5)])
    assert run("orders", "import", file).stderr.splitlines() == ["2 read: 2 imported", "4 read: 4 imported"]
    monkeypatch.setattr(importing, "_MOST_CHARACTERS", 1)
    assert lines(run("orders", "import", save(tmp_path, *[order_fields() for _ in range(3)])))[0] == "3 imported."
    assert len(rows(kept)) == 8


def test_a_secret_in_a_file_is_not_kept(run: Run, kept: Kit, tmp_path: Path) -> None:
    run("orders", "import", save(tmp_path, order_fields(note_to_us=SECRET, card="4111 1111 1111 1111")))
    (row,) = rows(kept)
    assert SECRET not in row.fields + str(row.order)
    assert "4111 1111" not in row.fields + str(row.order)
    assert row.held_card_data


def test_a_secret_that_is_added_meanwhile_is_not_kept(
    make_app: Callable[..., Flask], kept: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is read once more when the database has other secrets than it was read with."""
    app = make_app()
    kit: Kit = app.extensions["receiver"]
    fresh, keyring = "a-secret-of-this-moment", kit.shared_secrets.keyring
    added: list[int] = []

    def add_after_reading(*given: object, **named: object) -> object:
        before = keyring(*given, **named)  # type: ignore[arg-type]
        if not added:
            added.append(app.test_cli_runner().invoke(args=["secret", "add", fresh]).exit_code)
        return before

    monkeypatch.setattr(kit.shared_secrets, "keyring", add_after_reading)
    file = save(tmp_path, order_fields(note_to_us=fresh))
    result = app.test_cli_runner().invoke(args=["orders", "import", file])
    assert (result.exit_code, added) == (0, [0])
    (row,) = rows(kept)
    assert fresh not in row.fields


def test_a_replay_of_all_parked_ones_keeps_the_handlers_of_imported_ones_off(
    run: Run, serve: Callable[..., Served], tmp_path: Path
) -> None:
    shop = serve(work=False)
    run("orders", "import", save(tmp_path, order_fields(payment_status="in_kiln")))
    run("sources", "state", "shopintegrator", "in_kiln", "paid", "--yes")
    again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    assert next(again.each(shop.kit.database, ["rcp_00000001"])).state == "open"
    while shop.kit.processor.run_next():
        pass
    assert set(shop.handler_states().values()) == {"skipped"}


def test_an_imported_order_that_is_run_as_paid_runs_its_handlers(run: Run, kept: Kit, tmp_path: Path) -> None:
    run("orders", "import", save(tmp_path, order_fields(order_id="A-1", order_status="pending", payment_status="")))
    assert [row.state for row in rows(kept)] == ["ignored"]
    run("orders", "replay", rows(kept)[0].receipt, "--as-paid")
    while kept.processor.run_next():
        pass
    assert [(row.state, row.proof) for row in rows(kept)] == [("done", "import to run")]
    with kept.database.read() as session:
        assert set(session.scalars(select(HandlerRow.state))) == {"done"}
