"""Sources that are kept in the database: verified at once, in every process, and never by anything weaker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from receiver.app.components import Kit
from receiver.security import encryption
from receiver.sources import adding
from receiver.storage.models import SavedSourceRow, SecretRow
from tests.commanding import runner
from tests.served import SECRET as SHARED
from tests.served import Served, order_fields
from tests.sources.saving import SECRET, add, paid

NEWER = "hush-9d4f7a8e6db0ff1e5e4c"


def test_an_added_source_verifies_its_shop_at_once(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    assert paid(shop).status == 404
    add(shop.kit)
    assert paid(shop).content["status"] == "accepted"
    assert paid(shop, NEWER, id=2).status == 401
    assert shop.post(order_fields(), path="/orders/shop", headers={"X-Shared-Secret": SHARED}).status == 401


def test_every_process_knows_it_within_a_second(serve: Callable[..., Served]) -> None:
    shop, other = serve(work=False), serve(work=False)
    assert paid(other).status == 404
    add(shop.kit)
    time.sleep(0.25)
    assert paid(other).content["status"] == "accepted"


def test_its_secret_is_encrypted_and_verifies_nothing_elsewhere(shop: Served) -> None:
    add(shop.kit)
    (row,) = [row for row in shop.rows(SecretRow) if row.source]
    assert SECRET not in row.ciphertext
    assert encryption.decrypted(shop.kit.secret_key, row.ciphertext) == SECRET
    assert shop.post(order_fields(), headers={"X-Shared-Secret": SECRET}).status == 401
    fields = order_fields(comment=f"my {SECRET}")
    assert shop.post(fields).status == 202
    assert SECRET not in shop.rows()[-1].fields


def test_a_source_of_the_file_wins(instance: Path, serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    add(shop.kit)
    (instance / "config.toml").write_text(f'[sources.shop]\nkind = "shopify"\nsecrets = ["{NEWER}"]\n')
    shop.kit.sources.look_again()
    assert not shop.kit.sources.get("shop").is_saved
    assert (paid(shop).status, paid(shop, NEWER).status) == (401, 202)
    (said,) = [one for one in shop.kit.setting_warnings if "shop is in config.toml" in one]
    assert "flask sources remove shop" in said


def test_a_new_secret_and_the_old_one_hold_together_for_a_while(serve: Callable[..., Served]) -> None:
    shop, now = serve(work=False), datetime.now(UTC)
    kit, old = shop.kit, add(shop.kit)
    kinds, key = kit.sources.kinds, kit.secret_key
    with kit.database.write() as session:
        adding.add_secret(session, "shop", NEWER, kinds=kinds, secret_key=key, now=now, overlap=timedelta(hours=24))
    kit.sources.look_again()
    assert [paid(shop, secret, id=number).status for number, secret in enumerate((SECRET, NEWER))] == [202, 202]
    with kit.database.write() as session:
        session.execute(text("UPDATE shared_secrets SET ends_at = 1 WHERE fingerprint = :old"), {"old": old})
    kit.sources.look_again()
    assert [paid(shop, secret, id=number).status for number, secret in enumerate((SECRET, NEWER), 5)] == [401, 202]


def test_without_a_secret_it_refuses_everything_and_says_so(shop: Served) -> None:
    for name, table in (("mugs", {"kind": "shopify"}), ("plain", {"zone": "UTC"})):
        mark = add(shop.kit, name, **table)
        with shop.kit.database.write() as session:
            adding.end_secret(session, name, mark, now=datetime.now(UTC))
    shop.kit.sources.look_again()
    assert paid(shop, name="mugs").status == 401
    for secret in (SECRET, SHARED):
        assert shop.post(order_fields(), path="/orders/plain", headers={"X-Shared-Secret": secret}).status == 401
    said = [one for one in shop.kit.setting_warnings if "has no secret" in one]
    assert [one.split()[2] for one in said] == ["mugs", "plain"]
    assert "flask sources secret mugs" in said[0]


def test_a_plain_service_is_verified_by_its_own_secret(shop: Served) -> None:
    add(shop.kit, "till", zone="UTC")
    found = [
        shop.post(order_fields(), path="/orders/till", headers={"X-Shared-Secret": one}).status
        for one in (SECRET, SHARED)
    ]
    assert found == [202, 401]
    assert [one for one in shop.kit.setting_warnings if "till" in one] == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ('{"kind": "kilnworks"}', "kind must be one of"),
        ("{", "changed by hand"),
        ("3", "changed by hand"),
        ('{"kind": "squarespace"}', "written in hex"),
    ],
)
def test_what_cannot_be_built_is_answered_503_and_named(shop: Served, settings: str, why: str) -> None:
    add(shop.kit)
    with shop.kit.database.write() as session:
        session.get_one(SavedSourceRow, "shop").settings = settings
    shop.kit.sources.look_again()
    assert paid(shop).status == 503
    (said,) = [one for one in shop.kit.setting_warnings if "shop" in one]
    assert why in said
    assert SECRET not in said


def test_secrets_that_the_key_cannot_read_are_named_and_removed_with_a_new_key(
    instance: Path, make_app: Callable[..., Flask], kit: Kit
) -> None:
    add(kit)
    (instance / "secret_key").write_text("another key than before, of more than 32 letters")
    run = runner(make_app)
    assert "Warning: the secret key can't read 1 secret of a source" in run("init").stdout
    assert "The secrets of the source shop can't be read" in run("doctor").stdout
    assert "cannot be decrypted" in run("doctor").stdout
    (instance / "secret_key").unlink()
    assert "flask sources secret NAME" in run("init", "--new-key").stdout
    rows = json.loads(run("sources", "list", "--json").stdout)
    assert [row["secrets"] for row in rows if row["source"] == "shop"] == [""]
    assert "The source shop has no secret" in run("doctor").stdout


def test_an_unreadable_secret_answers_503_so_that_nothing_is_lost(serve: Callable[..., Served], kit: Kit) -> None:
    add(kit)
    with kit.database.write() as session:
        session.execute(text("UPDATE shared_secrets SET ciphertext = 'x' WHERE source = 'shop'"))
    assert paid(serve(work=False)).status == 503
