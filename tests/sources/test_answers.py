"""What the merchant answered about a source, out of the options that the database holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from receiver.app.components import Kit
from receiver.sources import answers, saved_options
from receiver.storage.models import SourceOptionRow
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def saved(kit: Kit) -> dict[str, answers.Answers]:
    return answers.by_source(saved_options.read(kit.database).options)


def test_answers_are_read_back_by_source_and_taken_back(kit: Kit) -> None:
    with kit.database.write() as session:
        answers.save_state(session, "eu", "On_Hold", is_paid=True, now=NOW)
        answers.save_state(session, "eu", "x", is_paid=False, now=NOW)
        answers.save_no_orders(session, "eu", "names:1", receipt="rcp_00000001", now=NOW)
        answers.save_no_orders(session, "uk", "names:2", receipt="rcp_00000002", now=NOW)
        saved_options.accept_chunked_forms(session, "uk", accepted=True, now=NOW)
        session.add(SourceOptionRow(source="uk", option="state:y", value="3", changed_at=NOW))
    assert saved(kit) == {
        "eu": answers.Answers({"on-hold": True, "x": False}, {"names:1": "rcp_00000001"}),
        "uk": answers.Answers({}, {"names:2": "rcp_00000002"}),
    }
    with kit.database.write() as session:
        answers.forget_state(session, "eu", "on hold")
        answers.forget_no_orders(session, "uk", "names:2")
    assert saved(kit) == {"eu": answers.Answers({"x": False}, {"names:1": "rcp_00000001"})}


def test_the_words_of_the_file_win_over_the_answers(serve: Callable[..., Served], instance: Path) -> None:
    (instance / "config.toml").write_text('[sources.shopintegrator.states]\n"On Hold" = "unpaid"\n')
    shop = serve(work=False)
    with shop.kit.database.write() as session:
        answers.save_state(session, "shopintegrator", "on-hold", is_paid=True, now=NOW)
        answers.save_state(session, "shopintegrator", "in-kiln", is_paid=True, now=NOW)
    shop.kit.sources.look_again()
    assert shop.post(order_fields(payment_status="on-hold")).content["status"] == "ignored"
    assert shop.post(order_fields(payment_status="In Kiln")).content["status"] == "accepted"
