"""flask sources add, secret, revoke and remove."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.security import signing
from tests.commanding import Run, runner
from tests.served import Served
from tests.sources.saving import SECRET, paid

NEWER = "hush-9d4f7a8e6db0ff1e5e4c"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def names(run: Run) -> list[str]:
    return [row["source"] for row in json.loads(run("sources", "list", "--json").stdout)]


def test_a_shop_is_added_and_told_where_to_click(run: Run, shop: Served, instance: Path) -> None:
    before = (instance / "config.toml").read_text()
    result = run("sources", "add", "shop", "--kind", "shopify", "--secret-file", "-", stdin=f"{SECRET}\n")
    assert result.exit_code == 0
    assert "/orders/shop\n" in result.stdout
    assert "At Shopify:\n1. Open Settings → Notifications → Webhooks.\n" in result.stdout
    assert SECRET not in result.stdout
    assert "*" not in result.stdout
    assert (instance / "config.toml").read_text() == before
    shop.kit.sources.look_again()
    assert paid(shop).content["status"] == "accepted"


def test_the_secret_may_come_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"whsec_{SECRET}\n")
    assert run("sources", "add", "s", "--kind", "stripe", "--secret-file", str(tmp_path / "secret")).exit_code == 0
    assert signing.fingerprint(f"whsec_{SECRET}") in run("sources", "list").stdout


def test_a_secret_is_created_where_the_shop_takes_ours(run: Run) -> None:
    result = run("sources", "add", "woo", "--kind", "woocommerce", "--create")
    secret = result.stdout.splitlines()[0].rpartition(" ")[2]
    assert signing.fingerprint(secret) in run("sources", "list").stdout
    renewed = run("sources", "secret", "woo", "--create").stdout
    assert "shown only once" in renewed
    assert "makes its own" in run("sources", "add", "s", "--kind", "shopify", "--create").stderr
    both = run("sources", "add", "s", "--kind", "woocommerce", "--create", "--secret-file", "-", stdin=SECRET)
    assert both.exit_code == 2
    assert "Give one of --create and --secret-file, not both." in both.stderr
    assert set(names(run)) == {"shopintegrator", "woo"}


def test_an_address_that_no_shop_can_reach_is_told_with_it(run: Run) -> None:
    told = "No shop can reach this address yet: it's made of PUBLIC_URL"
    assert told in run("sources", "add", "shop", "--kind", "shopify", stdin=SECRET).stdout
    assert told in run("sources", "list").stderr
    assert told not in run("sources", "list", "--json").stderr
    public = {"PUBLIC_URL": "https://orders.mugs.example"}
    assert told not in run("sources", "add", "mugs", "--kind", "shopify", stdin=SECRET, **public).stdout
    assert told not in run("sources", "list", **public).stderr


def test_another_service_and_a_signature_can_be_added(run: Run) -> None:
    assert run("sources", "add", "till", "--kind", "other", stdin=SECRET).exit_code == 0
    more = ("--signature", "header=X-Kiln", "--signature", "encoding=base64")
    assert run("sources", "add", "kiln", "--kind", "generic-hmac", *more, stdin=NEWER).exit_code == 0
    assert names(run) == ["kiln", "shopintegrator", "till"] or set(names(run)) == {"kiln", "shopintegrator", "till"}


@pytest.mark.parametrize(
    ("arguments", "secret", "reason"),
    [
        (["My Shop", "--kind", "shopify"], SECRET, "small letters"),
        (["shopintegrator", "--kind", "shopify"], SECRET, "already"),
        (["shop", "--kind", "nonsense"], SECRET, "--kind is one of"),
        (["shop", "--kind", "shopify"], "short", "at least 16"),
        (["shop"], SECRET, "Use --kind"),
        (["shop", "--kind", "generic-hmac", "--signature", "X-Kiln"], SECRET, "--signature is written"),
        (["shop", "--kind", "shopify", "--signature", "digest=md5"], SECRET, "must be one of"),
    ],
)
def test_what_cannot_be_a_source_changes_nothing(run: Run, arguments: list[str], secret: str, reason: str) -> None:
    result = run("sources", "add", *arguments, stdin=secret)
    assert result.exit_code != 0
    assert reason in result.stderr
    assert names(run) == ["shopintegrator"]


def test_a_secret_is_renewed_revoked_and_the_source_removed(run: Run, shop: Served) -> None:
    run("sources", "add", "shop", "--kind", "shopify", stdin=SECRET)
    assert "active now" in run("sources", "secret", "shop", "--overlap", "1h", stdin=NEWER).stdout
    shop.kit.sources.look_again()
    assert shop.kit.sources.get("shop").secrets == (NEWER, SECRET)
    assert "Revoked" in run("sources", "revoke", "shop", signing.fingerprint(SECRET)).stdout
    shop.kit.sources.look_again()
    assert shop.kit.sources.get("shop").secrets == (NEWER,)
    assert "Use --yes" in run("sources", "remove", "shop").stderr
    assert "Its orders stay" in run("sources", "remove", "shop", "--yes").stdout
    shop.kit.sources.look_again()
    assert paid(shop, NEWER).status == 404
    assert "No source shop" in run("sources", "remove", "shop", "--yes").stderr


def test_at_a_terminal_it_asks_and_shows_no_secret(instance: Path, shop: Served) -> None:
    outer, inner = pty.openpty()
    environment = {**os.environ, "RECEIVER_INSTANCE_PATH": str(instance)}

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", "receiver", "sources", *words]
        return subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=environment)

    def answer(question: str, text: str = "") -> str:
        said = ""
        while question not in said:
            said += os.read(outer, 4096).decode()
        if text:
            os.write(outer, f"{text}\n".encode())
        return said

    process = start("add", "shop")
    answer("Which shop is it?", "shopify")
    answer("The signing key of Shopify", SECRET)
    said = answer("sources list")
    assert process.wait(60) == 0
    assert SECRET not in said
    process = start("remove", "shop")
    answer("Remove shop?", "y")
    assert process.wait(60) == 0
    for one in (outer, inner):
        os.close(one)
    shop.kit.sources.look_again()
    assert shop.kit.sources.find("shop") is None
