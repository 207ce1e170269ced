"""The rules of the mapping that are kept in the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from receiver.app.components import Kit
from receiver.errors import ConfigurationError, Unavailable
from receiver.sources import saved_options
from receiver.storage.models import MappedFieldRow
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def save(kit: Kit, rules: dict[str, Any], source: str = "shopintegrator") -> None:
    with kit.database.write() as session:
        saved_options.save_rules(session, source, rules, NOW)


def tables(kit: Kit) -> dict[str, dict[str, Any]]:
    return saved_options.by_source(saved_options.read(kit.database).rules)


def test_what_is_saved_is_read_back_by_source(kit: Kit) -> None:
    rules = {"order_id": "OrderRef", "total": {"from": ["Total", "Sum"], "decimal": ","}, "currency": {"value": "GBP"}}
    save(kit, rules)
    save(kit, {"order_id": "Réf"}, "eu")
    assert tables(kit) == {"shopintegrator": rules, "eu": {"order_id": "Réf"}}


def test_a_field_that_is_saved_again_has_its_new_rule_alone(kit: Kit) -> None:
    save(kit, {"order_id": "Old", "total": "Total"})
    save(kit, {"order_id": "New"})
    assert tables(kit) == {"shopintegrator": {"order_id": "New", "total": "Total"}}


def test_a_wrong_rule_keeps_all_of_its_save_out(kit: Kit) -> None:
    with pytest.raises(ConfigurationError, match=r'fields."total" needs decimal'):
        save(kit, {"order_id": "OrderRef", "total": {"from": "Total", "decimal": ";"}})
    assert tables(kit) == {}


def test_what_is_removed_is_gone_from_its_source_alone(kit: Kit) -> None:
    save(kit, {"order_id": "A", "total": "B", "currency": {"value": "GBP"}})
    save(kit, {"order_id": "C"}, "eu")
    with kit.database.write() as session:
        saved_options.remove_rules(session, "shopintegrator", ["order_id", "currency", "locale"])
    assert tables(kit) == {"shopintegrator": {"total": "B"}, "eu": {"order_id": "C"}}


@pytest.mark.parametrize("rule", ["{", '"', '{"decimal": ","}', "3"])
def test_a_rule_that_was_spoilt_is_left_out_and_logged(kit: Kit, rule: str, caplog: pytest.LogCaptureFixture) -> None:
    save(kit, {"order_id": "OrderRef"})
    with kit.database.write() as session:
        session.add(MappedFieldRow(source="shopintegrator", field="total", rule=rule, changed_at=NOW))
    with caplog.at_level(logging.ERROR, "receiver.sources.saved_options"):
        assert tables(kit) == {"shopintegrator": {"order_id": "OrderRef"}}
    assert "A saved rule of the source shopintegrator is left out" in caplog.text


def test_a_database_that_cannot_be_read_is_told(kit: Kit) -> None:
    with kit.database.write() as session:
        session.execute(text("DROP TABLE mapped_fields"))
    with pytest.raises(Unavailable):
        saved_options.read(kit.database)


def test_a_save_holds_for_the_next_order(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    assert shop.post({"OrderRef": "A-1"}).content["status"] == "parked"
    save(shop.kit, {"order_id": "OrderRef"})
    shop.kit.sources.look_again()
    assert shop.post({"OrderRef": "A-2"}).content["status"] == "accepted"


def test_another_process_sees_a_save_within_a_second(serve: Callable[..., Served]) -> None:
    shop, other = serve(work=False), serve(work=False)
    assert other.post({"OrderRef": "A-1"}).content["status"] == "parked"
    save(shop.kit, {"order_id": "OrderRef"})
    time.sleep(0.25)
    assert other.post({"OrderRef": "A-2"}).content["status"] == "accepted"


def test_a_fresh_process_knows_the_saved_rules_at_its_first_order(kit: Kit, serve: Callable[..., Served]) -> None:
    save(kit, {"order_id": "OrderRef"})
    assert serve(work=False).post({"OrderRef": "A-1"}).content["status"] == "accepted"


def test_orders_are_taken_again_once_a_wrong_source_is_mended(serve: Callable[..., Served], instance: Path) -> None:
    config = instance / "config.toml"
    config.write_text("[sources.eu]\nsecrets = 3\n")
    shop = serve(work=False)
    assert shop.post(order_fields()).status == 503
    assert shop.request("GET", "/readyz").status == 503
    config.write_text('[sources.eu.fields]\norder_id = "Ref"\n')
    assert shop.post({"Ref": "A-1"}, path="/orders/eu").content["status"] == "accepted"
    assert shop.request("GET", "/readyz").status == 200
