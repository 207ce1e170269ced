"""Samples: each kind's own is verified and understood, always as a test, and never the same twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from receiver.errors import NotPossible
from receiver.orders import Understood, decode, read
from receiver.security.schemes import HmacSignature, PublicKeySignature, Scheme
from receiver.sources import Source, kinds, trying
from receiver.sources.sample import Sample
from tests.sources.saving import SECRET

NOW = datetime(2026, 11, 23, 14, 6, tzinfo=UTC)
TYPES = kinds.load(Path("nowhere")).types
#: What isn't text in the usual form.
SECRETS = {"squarespace": "8dd42f9fc74cd334c8dc40e3a80865356aa03c47"}


def built(kind: str) -> Source:
    return TYPES[kind](kind, secrets=(SECRETS.get(kind, SECRET),)).with_rules({})


@pytest.mark.parametrize("kind", [name for name, one in TYPES.items() if one.sample])
def test_the_sample_of_each_kind_is_a_paid_order_of_its_shop(kind: str) -> None:
    source = built(kind)
    sent = trying.signed(source, "https://shop.example/orders/x", shared="", now=NOW)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    fields = source.with_headers(headers, decode(sent.body, headers["content-type"], 1_000).fields)
    reading = read(fields, source.mapping, NOW)
    assert isinstance(reading, Understood), reading
    assert reading.decided == "completed"
    assert not reading.order.test
    assert reading.order.notes == ()
    assert kind == "ecwid" or reading.order.total is not None
    again = trying.signed(source, "https://shop.example/orders/x", shared="", now=NOW)
    assert again.body != sent.body


def test_every_built_in_kind_that_can_has_a_sample() -> None:
    without = {name for name, kind in TYPES.items() if kind.sample is None}
    assert {name for name in without if not trying.why_not(built(name), has_shared_secrets=False)} == {"generic-hmac"}
    assert "shop is asked" in trying.why_not(built("mollie"), has_shared_secrets=False)


def test_values_are_filled_in_anywhere_and_typed() -> None:
    sample = Sample({"a": ["$number", {"b": "$id"}], "c": "$secret", "d": "$seconds", "e": "$milliseconds", "f": 1})
    body = json.loads(sample.encoded(secret="s", number=7, now=NOW))
    assert body == {"a": [7, {"b": "sample-7"}], "c": "s", "d": 1795442760, "e": 1795442760000, "f": 1}
    form = Sample({"a": "$time", "b": "$%d.%m.%Y", "c": "$ 5"}, is_form=True)
    assert form.encoded(secret="s", number=7, now=NOW) == b"a=2026-11-23T14%3A06%3A00Z&b=23.11.2026&c=%24+5"
    assert (
        Sample({"a": "é"}, in_field="data").encoded(secret="s", number=7, now=NOW)
        == b"data=%7B%22a%22%3A+%22%C3%A9%22%7D"
    )


class Public(Source):
    scheme = cast("Scheme", PublicKeySignature("X-Key"))


class Own(Source):
    scheme = HmacSignature("X-Own", key="hex")


class Broken(Source):
    class Scheme(HmacSignature):
        def sign(self, *_: object) -> dict[str, str]:
            raise KeyError("a value")

    scheme = Scheme("X-Broken")


def test_it_says_why_there_is_no_sample() -> None:
    assert "Only the shop has the key" in trying.why_not(Public("x", secrets=(SECRET,)), has_shared_secrets=True)
    assert "no secret to sign" in trying.why_not(Own("x"), has_shared_secrets=True)
    assert "no secret to sign" in trying.why_not(Source("x", is_saved=True), has_shared_secrets=True)
    assert "no secret to sign" in trying.why_not(Source("x"), has_shared_secrets=False)
    assert "no sample of this kind" in trying.why_not(Source("x", saved={"total": "Sum"}), has_shared_secrets=True)
    assert trying.why_not(Source("x"), has_shared_secrets=True) == ""


def test_a_scheme_that_cannot_sign_is_named_without_values() -> None:
    with pytest.raises(NotPossible, match=r"can't sign a sample: test_sample\.py, line") as caught:
        trying.signed(Broken("x", secrets=(SECRET,)), "", shared="", now=NOW)
    assert "a value" not in str(caught.value)
    with pytest.raises(Exception, match="written in hex"):
        trying.signed(Own("x", secrets=(SECRET,)), "", shared="", now=NOW)
