"""Why an order is, or is not, understood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from receiver.errors import CardDataRefused, ConfigurationError, NotThere, Undecodable, UnknownSource
from receiver.intake.explanation import explain_fields, explain_file, explain_receipt
from receiver.orders import Mapping
from receiver.orders.saved_bodies import Limits
from receiver.security.keyring import Keyring
from receiver.settings import reading as settings
from receiver.sources.registry import Sources
from tests.served import SECRET, Served

LIMITS = Limits(1_000_000, 100)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYRING = Keyring({SECRET: SECRET.encode()}, {})
FOREIGN = [("OrderRef", "A-1"), ("Affiliate", "77"), ("customer_email", "ada@shop.example")]


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Give the default source and one that is mapped."""
    return Sources(tmp_path, {"other": {"fields": {"order_id": "OrderRef"}}})


def test_what_is_understood_says_which_parameter_fed_which_field() -> None:
    reading = explain_fields(FOREIGN, Mapping.from_table({"order_id": "OrderRef"}), NOW).as_json()
    assert (reading["understood"], reading["decided"], reading["errors"]) == (True, "completed", [])
    assert {"field": "order_id", "parameters": ["OrderRef"], "value": "A-1"} in reading["fields"]
    assert reading["unused"] == ["Affiliate"]
    assert "order_id" not in reading["missing"]


def test_what_is_not_understood_says_what_is_missing_and_what_might_feed_it() -> None:
    reading = explain_fields(FOREIGN, None, NOW).as_json()
    assert (reading["understood"], reading["decided"]) == (False, None)
    assert [error["field"] for error in reading["errors"]] == ["order_id"]
    assert "order_id" in reading["missing"]
    assert reading["unused"] == ["OrderRef", "Affiliate"]
    assert reading["suggestions"]["order_id"] == "OrderRef"


def test_a_constant_is_told_as_the_mappings() -> None:
    mapping = Mapping.from_table({"order_id": "OrderRef", "currency": {"value": "GBP"}})
    reading = explain_fields([*FOREIGN, ("currency", " ")], mapping, NOW)
    assert {"field": "currency", "parameters": [], "value": "GBP"} in reading.as_json()["fields"]
    assert "currency" not in reading.as_json()["missing"]
    assert "  currency = 'GBP' from the mapping\n" in reading.as_text()


def test_what_makes_an_order_ignored_is_said() -> None:
    reading = explain_fields([("order_id", "A-1"), ("payment_status", "unpaid")], None, NOW)
    assert reading.as_json()["decided"] == "unpaid"
    assert reading.as_text().startswith("Understood: unpaid\n")


def test_a_person_reads_the_most_needed_first() -> None:
    text = explain_fields(FOREIGN, None, NOW).as_text()
    parts = ["Not understood yet: parked", "\nNot understood:\n", "\nFed:\n", "\nParameters that feed no field:\n"]
    places = [
        text.index(part)
        for part in [*parts, "\nSuggestions for config.toml, in its table [sources.shopintegrator.fields]:\n"]
    ]
    assert places == sorted(places)
    assert "  customer.email = 'ada@shop.example' from customer_email\n" in text
    assert '  order_id = "OrderRef"' in text


def test_a_suggestion_can_be_pasted_into_the_settings() -> None:
    fields = [("order_id", "A-1"), ("BuyerEmail", "ada@shop.example"), ("Sum", "1,50")]
    text = explain_fields(fields, None, NOW).as_text()
    assert '  "customer.email" = "BuyerEmail"' in text
    assert '  total = {from = "Sum", decimal = ","}' in text


def test_the_suggested_lines_pasted_as_they_stand_make_the_order(tmp_path: Path) -> None:
    fields = [
        ("OrderRef", "7"),
        ("OrderDate", "05/06/2026"),
        ("Sum", "£1.234,56"),
        ("Country", "UK"),
        ("P1Name", "Mug"),
    ]
    reading = explain_fields(fields, None, NOW, "eu")
    title, table, lines = reading.as_text().partition("[sources.eu.fields]")
    assert "Suggestions for config.toml, in its table " in title
    (tmp_path / "config.toml").write_text(table + lines.removeprefix(":"))
    source = Sources(tmp_path, settings.read_file(tmp_path)["sources"]).get("eu")
    assert explain_fields(fields, source.mapping, NOW).decided == "completed"
    assert {"total", "order_date", "billing.country", "currency"} <= source.from_file.keys()


def test_parts_with_nothing_in_them_are_left_out() -> None:
    text = explain_fields([("order_id", "A-1")], None, NOW).as_text()
    assert text == "Understood: completed\n\nFed:\n  order_id = 'A-1' from order_id"


def test_notes_are_shown() -> None:
    reading = explain_fields([("order_id", "A-1"), ("billing_country", "Narnia")], None, NOW)
    assert len(reading.as_json()["notes"]) == 1
    assert "\nNotes:\n  billing_country must be" in reading.as_text()


def test_a_recorded_order_is_read_with_todays_mapping(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    receipt = shop.post({"OrderRef": "A-1"}).content["receipt"]
    mapped = Sources(shop.kit.instance, {"shopintegrator": {"fields": {"order_id": "OrderRef"}}})
    with shop.kit.database.read() as session:
        assert explain_receipt(session, receipt, shop.kit.sources).decided is None
        assert explain_receipt(session, receipt, mapped).decided == "completed"


def test_an_unknown_receipt_is_told(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    with shop.kit.database.read() as session, pytest.raises(ConfigurationError, match="rcp_00000009"):
        explain_receipt(session, "rcp_00000009", shop.kit.sources)


@pytest.mark.parametrize(
    "body",
    [
        b"order_id=A-1&total=1.00&currency=GBP\n",
        b' {"order_id": "A-1", "total": "1.00", "currency": "GBP"}\n',
        b'\xef\xbb\xbf{"order_id": "A-1", "total": "1.00", "currency": "GBP"}',
        (
            b'--x7\r\nContent-Disposition: form-data; name="order_id"\r\n\r\nA-1\r\n'
            b'--x7\r\nContent-Disposition: form-data; name="total"\r\n\r\n1.00\r\n--x7--\r\n'
        ),
    ],
)
def test_a_saved_body_is_read_as_what_it_looks_like(sources: Sources, body: bytes) -> None:
    reading = explain_file(BytesIO(body), sources, None, KEYRING, LIMITS)
    assert reading.decided == "completed"
    assert {"field": "total", "parameters": ["total"], "value": "1.00"} in reading.as_json()["fields"]


def test_a_saved_body_may_be_another_sources(sources: Sources) -> None:
    file = BytesIO(b"OrderRef=A-1")
    assert explain_file(file, sources, None, KEYRING, LIMITS).decided is None
    assert explain_file(file, sources, "other", KEYRING, LIMITS).decided == "completed"


def test_one_of_several_saved_bodies_is_chosen_by_its_number(sources: Sources) -> None:
    file = BytesIO(b"order_id=A-1&total=1\norder_id=A-2&total=2\n")
    reading = explain_file(file, sources, None, KEYRING, LIMITS, number=2)
    assert {"field": "order_id", "parameters": ["order_id"], "value": "A-2"} in reading.as_json()["fields"]
    with pytest.raises(NotThere, match="no body number 3"):
        explain_file(file, sources, None, KEYRING, LIMITS, number=3)


def test_a_source_that_is_none_is_told(sources: Sources) -> None:
    with pytest.raises(UnknownSource):
        explain_file(BytesIO(b"a=1"), sources, "no_such", KEYRING, LIMITS)


def test_a_secret_in_a_saved_body_is_never_shown(sources: Sources) -> None:
    body = f"order_id=A-1&proof={SECRET}".encode()
    reading = explain_file(BytesIO(body), sources, None, KEYRING, LIMITS)
    assert SECRET not in reading.as_text()
    assert SECRET not in str(reading.as_json())


def test_a_card_number_with_its_code_in_a_saved_body_is_refused(sources: Sources) -> None:
    with pytest.raises(CardDataRefused):
        explain_file(BytesIO(b"order_id=A-1&card_number=4111111111111111&cvv=123"), sources, None, KEYRING, LIMITS)


@pytest.mark.parametrize("body", [b'{"order_id": ', b'"order_id=1"', b"<order"])
def test_a_saved_body_that_cannot_be_decoded_is_told(sources: Sources, body: bytes) -> None:
    with pytest.raises(Undecodable):
        explain_file(BytesIO(body), sources, None, KEYRING, LIMITS)
