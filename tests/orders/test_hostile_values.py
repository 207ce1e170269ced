"""Values of a quarter of a megabyte in every field: whatever is done with them takes a moment, not half a minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from receiver.app.commands.printing import print_rows
from receiver.intake.explanation import explain_fields
from receiver.mail.message import one_line
from receiver.mail.templates import MailTemplates
from receiver.mail.text_layout import columns, labelled, wrap
from receiver.orders import Fields, Mapping, NotUnderstood, guard, read
from receiver.orders.email_addresses import deliverable, normalised
from receiver.orders.names import KINDS, Place, form_name
from tests.commanding import runner
from tests.effort import seconds
from tests.served import SECRET, Served

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
#: Of this thread's own time: a hundred times what each takes, where the worst took 34 s.
MOST_SECONDS = 10.0
#: Normalising them takes the square of their number.
MARKS = "\u0315" * 65_000 + "\u0320" * 65_000
VALUES = {
    "combining marks": f"{MARKS}@b.test",
    "marks of no width": "\u200b" * 200_000,
    "words of no width": "\u0315 " * 100_000,
    "digits": "1" * 200_000,
    "zeroes": "0" * 200_000 + "1",
    "groups of digits": "1," * 100_000,
    "labels": "a@" + "a." * 100_000,
    "ats": "@" * 200_000,
    "a gap": "a" + " " * 200_000 + "b",
    "lines": "a\n" * 100_000,
    "options": "a:b," * 50_000,
    "dates": "2026-11-23T" * 18_000,
    "signs": "£" * 100_000,
    "languages": "de-" * 60_000,
}


def in_all_fields(value: str) -> Fields:
    """Give a body with a value in every field of the model, and under names that mean nothing."""
    fields = [(form_name(Place(part, 0, field)), value) for part, field in KINDS]
    return [("order_id", "A-1"), *fields[1:], ("Foreign", value), (value, "1"), ("custom_text", value)]


def in_one_field(slot: tuple[str, str], value: str) -> Fields:
    """Give a small order with one value."""
    name = form_name(Place(slot[0], 0, slot[1]))
    return [(given, text) for given, text in (("order_id", "A-1"), ("item_1_name", "Mug")) if given != name] + [
        (name, value)
    ]


@pytest.fixture
def templates(tmp_path: Path) -> MailTemplates:
    return MailTemplates(tmp_path, "en", ZoneInfo("Europe/Berlin"), shop_name="Zoë's Corner Shop")


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_large_value_in_any_field_is_read_in_a_moment(value: str) -> None:
    for slot in KINDS:
        fields = in_one_field(slot, value)
        assert seconds(partial(read, fields, None, NOW)) < MOST_SECONDS, slot


@pytest.mark.parametrize("value", [MARKS, VALUES["groups of digits"], VALUES["words of no width"]])
def test_a_large_value_in_all_fields_is_explained_and_suggested_for_in_a_moment(value: str) -> None:
    fields = [(name[:100_000], text[:20_000]) for name, text in in_all_fields(value)]
    assert seconds(lambda: explain_fields(fields, None, NOW).as_text()) < MOST_SECONDS


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_mapping_converts_a_large_value_in_a_moment(value: str) -> None:
    mapping = Mapping.from_table(
        {
            "order_id": "Ref",
            "total": {"from": "Sum", "decimal": ","},
            "order_date": {"from": "Date", "date": "%d %B %Y"},
            "customer.email": {"from": "Mail", "words": {"none": "a@b.test"}},
        }
    )
    fields = [("Ref", "1"), ("Sum", value), ("Date", value), ("Mail", value)]
    assert seconds(lambda: read(fields, mapping, NOW)) < MOST_SECONDS
    assert seconds(lambda: explain_fields(fields, mapping, NOW).as_text()) < MOST_SECONDS


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", ["order_confirmation", "order_notice"])
def test_a_large_value_is_laid_out_in_a_mail_in_a_moment(templates: MailTemplates, name: str, value: str) -> None:
    for slot in (("order", "customer_note"), ("customer", "first_name"), ("billing", "line1"), ("items", "name")):
        understood = read(in_one_field(slot, value), None, NOW)
        assert not isinstance(understood, NotUnderstood)
        assert seconds(partial(templates.render, name, order=understood.order, test=False)) < MOST_SECONDS


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_large_value_is_laid_out_on_lines_and_in_tables_in_a_moment(
    capsys: pytest.CaptureFixture[str], value: str
) -> None:
    for lay_out in (wrap, columns, partial(labelled, "Name"), partial(columns, "a"), one_line):
        assert seconds(partial(lay_out, value)) < MOST_SECONDS
    rows = [{"name": value}, *({"name": "short"} for _ in range(1_000))]
    assert seconds(lambda: print_rows(rows, as_json=False, empty="")) < MOST_SECONDS
    assert len(capsys.readouterr().out) < 400_000


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_large_address_is_no_key_and_no_recipient_and_costs_a_moment(value: str) -> None:
    assert seconds(lambda: normalised(value)) < MOST_SECONDS
    address = value if "@" in value else f"a@{value}"
    with pytest.raises(ValueError, match="address"):
        deliverable(address)
    assert seconds(partial(pytest.raises, ValueError, deliverable, address)) < MOST_SECONDS


def test_an_order_with_an_endless_address_is_parked_explained_and_shown_at_once(
    shop: Served, make_app: Callable[..., Flask]
) -> None:
    """Its JSON is as large as an order may be; before, this took a minute and no other request was answered."""
    body = json.dumps({"order_id": "1", "customer": {"email": f"{MARKS}@b.test"}}, ensure_ascii=False).encode()
    assert len(body) < 262_144

    reply = shop.post(body, content_type="application/json")

    assert (reply.status, reply.content["status"]) == (202, "parked")
    (error,) = reply.content["errors"]
    assert error == {"field": "customer.email", "message": "is longer than an email address can be (RFC 5321)"}
    explained = runner(make_app)("orders", "explain", reply.content["receipt"])
    assert "customer.email: is longer" in explained.stdout
    assert len(explained.stdout) < 10_000
    taken_here = partial(make_app().test_client().post, "/orders", data=body, content_type="application/json")
    assert seconds(lambda: taken_here(headers={"X-Shared-Secret": SECRET})) < MOST_SECONDS
    assert guard([("a", MARKS)]).notes == ()
