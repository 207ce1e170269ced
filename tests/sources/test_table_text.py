"""The table of a saved source as text: written as in config.toml, checked whole, saved whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.errors import ConfigurationError, NotThere
from receiver.sources import adding
from receiver.sources.table_text import table_of, text_of
from tests.sources.saving import SECRET, add


def change(kit: Kit, text: str, name: str = "shop") -> None:
    with kit.database.write() as session:
        adding.change(
            session,
            name,
            text,
            secrets=kit.sources.get(name).secrets,
            kinds=kit.sources.kinds,
            now=datetime.now(UTC),
        )
    kit.sources.look_again()


def text(kit: Kit) -> str:
    with kit.database.read() as session:
        return text_of(adding.table_of(session, "shop"), kit.sources.get("shop").saved)


@pytest.mark.parametrize(
    ("table", "fields", "written"),
    [
        ({"kind": "shopify"}, {}, ""),
        ({"zone": "Europe/Berlin"}, {}, 'zone = "Europe/Berlin"'),
        ({}, {"items[].name": "@.t"}, '[fields]\n"items[].name" = "@.t"'),
        (
            {"kind": "x", "states": {"on hold": "paid"}, "signature": {"parts": [",", "t", "v1"]}},
            {"currency": {"value": "EUR"}},
            (
                'states = {"on hold" = "paid"}\nsignature = {parts = [",", "t", "v1"]}\n'
                '\n[fields]\ncurrency = {value = "EUR"}'
            ),
        ),
    ],
)
def test_a_table_is_written_as_in_the_file_and_read_back(
    table: dict[str, Any], fields: dict[str, Any], written: str
) -> None:
    assert text_of(table, fields) == written
    read = table_of(written, "shop")
    assert read.pop("fields", {}) == fields
    assert {"kind": table["kind"], **read} == table if "kind" in table else read == table


def test_the_headings_of_the_file_may_be_copied_along() -> None:
    assert table_of('[sources.shop]\nzone = "UTC"\n[sources.shop.fields]\ntotal = "T"', "shop") == {
        "zone": "UTC",
        "fields": {"total": "T"},
    }


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("zone =", "isn't written as in config.toml"),
        ("fields = " + "[" * 5000, "nested too deeply"),
        ('[sources.other]\nzone = "UTC"', "sources has no meaning here"),
        ("[sources]\nshop = 3", "isn't a table"),
        ('kind = "stripe"', "The kind stays"),
        ('secrets = ["x"]', "entered above"),
        ("accept_chunked_forms = true", "Received → Parked"),
        ('zones = "UTC"', "zones has no meaning here; it may hold: fields, states, zone"),
        ('zone = "Mars"', "zone must be a name"),
        ("states = 3", "states must be a table"),
        ("fields = 3", "fields must be a table"),
        ('[fields]\nnothing = "x"', "nothing"),
        ("[fields]\ncurrency = {value = 2026-01-01}", "value|date"),
        ('token = {header = "X"}', "token has no meaning for this kind"),
        ('signature = {key = "hex"}', "written in hex"),
        ("signature = {tolerance = 2026-01-01}", "whole seconds"),
    ],
)
def test_what_cannot_be_is_not_saved(kit: Kit, written: str, why: str) -> None:
    add(kit)
    change(kit, 'zone = "Europe/Berlin"\n[fields]\nlocale = {value = "de"}')
    before = text(kit)
    with pytest.raises(ConfigurationError, match=why) as caught:
        change(kit, written)
    kit.sources.look_again()
    assert text(kit) == before
    assert SECRET not in str(caught.value)


def test_settings_and_rules_are_saved_whole(kit: Kit) -> None:
    add(kit)
    change(kit, 'zone = "Europe/Berlin"\n[fields]\nlocale = {value = "de"}\ncurrency = {value = "EUR"}')
    source = kit.sources.get("shop")
    assert (str(source.zone), source.saved) == (
        "Europe/Berlin",
        {"currency": {"value": "EUR"}, "locale": {"value": "de"}},
    )
    change(kit, '[fields]\ncurrency = {value = "GBP"}')
    source = kit.sources.get("shop")
    assert (source.zone, source.saved) == (None, {"currency": {"value": "GBP"}})
    change(kit, "")
    assert kit.sources.get("shop").saved == {}
    assert type(kit.sources.get("shop")).__name__ == "Shopify"
    with pytest.raises(NotThere):
        change(kit, "", "shopintegrator")
