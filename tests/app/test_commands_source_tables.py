"""flask sources list and try."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.commanding import Run, runner
from tests.served import Served
from tests.sources.saving import SECRET, add, paid


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def test_all_sources_are_listed_with_origin_and_what_arrived(run: Run, instance: Path, shop: Served) -> None:
    add(shop.kit, "mugs")
    add(shop.kit, "till", zone="UTC")
    (instance / "config.toml").write_text(
        f'[sources.filed]\nkind = "stripe"\nsecrets = ["{SECRET}"]\n[sources.hook]\nsecrets = ["{SECRET}"]\n'
        '[sources.hook.token]\nheader = "X-Token"\n'
        f'[sources.word]\nsecrets = ["{SECRET}"]\ntoken = {{field = "word"}}\n'
        '[sources.login]\nbasic = true\nsecrets = ["shop:open-sesame"]\n'
        f'[sources.key]\nsecrets = ["{"ab" * 32}"]\npublic_key = {{header = "X-Key"}}\n'
        f'[sources.kiln]\nkind = "generic-hmac"\nsecrets = ["{SECRET}"]\nsignature = {{header = "X-Kiln"}}\n'
    )
    assert paid(shop, name="mugs").status == 202
    shop.settled()
    listed = run("sources", "list", "--json").stdout
    assert SECRET not in listed
    rows = {row.pop("source"): row for row in json.loads(listed)}
    assert {name: (row["kind"], row["origin"], row["orders"]) for name, row in rows.items()} == {
        "filed": ("stripe", "config.toml", 0),
        "hook": ("", "config.toml", 0),
        "key": ("", "config.toml", 0),
        "kiln": ("generic-hmac", "config.toml", 0),
        "login": ("", "config.toml", 0),
        "mugs": ("shopify", "console", 1),
        "shopintegrator": ("", "always there", 0),
        "till": ("", "console", 0),
        "word": ("", "config.toml", 0),
    }
    assert rows["mugs"]["address"].endswith("/orders/mugs")
    assert rows["mugs"]["last_at"].endswith("+00:00")
    assert rows["mugs"]["verified_by"] == "a signature over the body"
    assert rows["hook"]["verified_by"] == "a token in the header X-Token"
    assert rows["word"]["verified_by"] == "a token in the field word"
    assert rows["key"]["verified_by"] == "a signature by the shop's own key"
    assert rows["login"]["verified_by"] == "a user and a password (HTTP Basic)"
    assert rows["kiln"]["verified_by"] == "an HMAC with sha256, in hex in the header X-Kiln"
    assert rows["shopintegrator"]["address"].endswith("/orders")
    assert "mugs" in run("sources", "list").stdout


def test_a_kind_of_the_merchants_own_needs_no_guide(run: Run, instance: Path) -> None:
    (instance / "sources").mkdir()
    (instance / "sources" / "kiln.py").write_text(
        "from receiver.security.schemes import Token\n"
        "from receiver.sources import Source, source_kind\n\n\n"
        '@source_kind("kiln")\nclass Kiln(Source):\n    scheme = Token(header="X-Kiln")\n'
        "from receiver.sources.snipcart import RequestToken\n"
        '@source_kind("cart")\nclass Cart(Source):\n    asks = RequestToken()\n'
    )
    assert run("sources", "add", "asked", "--kind", "cart", stdin=SECRET).exit_code == 0
    result = run("sources", "add", "mine", "--kind", "kiln", "--secret-file", "-", stdin=SECRET)
    assert "At kiln:" not in result.stdout
    assert result.exit_code == 0
    proofs = {row["source"]: row["verified_by"] for row in json.loads(run("sources", "list", "--json").stdout)}
    assert (proofs["mine"], proofs["asked"]) == ("a signature or token of its kind", "asking its shop")


def test_a_saved_body_is_tried_as_a_source(run: Run, instance: Path, tmp_path: Path) -> None:
    saved = tmp_path / "body.form"
    saved.write_bytes(b"order_id=1&total=5&customer_email=a@b.example")
    assert "Understood: completed" in run("sources", "try", str(saved)).stdout
    (instance / "config.toml").write_text('[sources.mugs.fields]\norder_id = "Ref"\ntotal = "Sum"\n')
    saved.write_bytes(b"Ref=7&Sum=5.00")
    fields = json.loads(run("sources", "try", str(saved), "--as", "mugs", "--json").stdout)["fields"]
    assert {row["field"]: row["value"] for row in fields}["order_id"] == "7"
