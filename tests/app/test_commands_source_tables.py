"""flask sources list, add and try."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.commanding import Run, runner

SECRET = "hush-b0ff1e5e4c9d4f7a8e6d"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def test_a_shop_is_added_with_its_secret_and_its_address_printed(run: Run, instance: Path) -> None:
    (instance / "config.toml").write_text('# mine\nSHOP_NAME = "Mugs"\n')
    result = run("sources", "add", "my-shop", "--kind", "shopify", "--secret", SECRET)
    assert result.exit_code == 0
    assert "/orders/my-shop" in result.stdout
    assert SECRET not in result.stdout
    text = (instance / "config.toml").read_text()
    assert text == f'# mine\nSHOP_NAME = "Mugs"\n\n[sources.my-shop]\nkind = "shopify"\nsecrets = ["{SECRET}"]\n'
    assert (instance / "config.toml").stat().st_mode & 0o077 == 0

    rows = {row["source"]: row for row in json.loads(run("sources", "list", "--json").stdout)}
    assert (rows["my-shop"]["kind"], rows["my-shop"]["verified_by"]) == ("shopify", "HmacSignature")
    assert rows["my-shop"]["address"].endswith("/orders/my-shop")
    assert SECRET not in json.dumps(rows)
    assert "already" in run("sources", "add", "my-shop", "--kind", "shopify", "--secret", SECRET).stderr


def test_a_secret_may_come_from_standard_input(run: Run, instance: Path) -> None:
    assert run("sources", "add", "s", "--kind", "stripe", "--secret", "-", stdin=f"whsec_{SECRET}\n").exit_code == 0
    assert f'secrets = ["whsec_{SECRET}"]' in (instance / "config.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["My Shop", "--kind", "shopify", "--secret", SECRET], "small letters"),
        (["shop", "--kind", "nonsense", "--secret", SECRET], "kind must be one of"),
        (["shop", "--kind", "shopify", "--secret", "short"], "at least 16"),
    ],
)
def test_what_cannot_be_a_source_changes_nothing(run: Run, instance: Path, arguments: list[str], reason: str) -> None:
    before = (instance / "config.toml").read_text()
    result = run("sources", "add", *arguments)
    assert result.exit_code != 0
    assert reason in result.stderr
    assert (instance / "config.toml").read_text() == before


def test_a_saved_body_is_tried_as_a_source(run: Run, instance: Path, tmp_path: Path) -> None:
    saved = tmp_path / "body.form"
    saved.write_bytes(b"order_id=1&total=5&customer_email=a@b.example")
    assert "Understood: completed" in run("sources", "try", str(saved)).stdout
    (instance / "config.toml").write_text('[sources.mugs.fields]\norder_id = "Ref"\ntotal = "Sum"\n')
    saved.write_bytes(b"Ref=7&Sum=5.00")
    fields = json.loads(run("sources", "try", str(saved), "--as", "mugs", "--json").stdout)["fields"]
    assert {row["field"]: row["value"] for row in fields}["order_id"] == "7"
