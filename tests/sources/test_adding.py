"""What can be added as a source, and how it's changed and removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from receiver.app.components import Kit
from receiver.errors import ConfigurationError, NotPossible, NotThere, UnknownSource
from receiver.sources import adding
from receiver.storage.models import MappedFieldRow, SecretRow
from tests.sources.saving import SECRET, add

NEWER = "hush-9d4f7a8e6db0ff1e5e4c"


def new_secret(kit: Kit, secret: str, name: str = "shop", **overlap: int) -> str:
    with kit.database.write() as session:
        return adding.add_secret(
            session,
            name,
            secret,
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
            overlap=timedelta(**overlap),
        )


@pytest.mark.parametrize(
    ("name", "secret", "table", "why"),
    [
        ("My Shop", SECRET, {"kind": "shopify"}, "small letters"),
        ("", SECRET, {"kind": "shopify"}, "small letters"),
        ("a" * 41, SECRET, {"kind": "shopify"}, "small letters"),
        ("shopintegrator", SECRET, {"kind": "shopify"}, "already"),
        ("shop", SECRET, {"kind": "nonsense"}, "kind must be one of"),
        ("shop", "short", {"kind": "shopify"}, "at least 16"),
        ("shop", "a" * 32, {"kind": "woocommerce"}, "easy to guess"),
        ("shop", "a" * 32, {"zone": "UTC"}, "easy to guess"),
        ("shop", SECRET, {"kind": "stripe", "signature": {"digest": "md5"}}, "must be one of"),
    ],
)
def test_what_cannot_be_a_source_is_not_saved(
    kit: Kit, name: str, secret: str, table: dict[str, object], why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        add(kit, name, secret, **table)
    assert secret == "short" or secret not in str(caught.value)
    assert [source.name for source in kit.sources.known] == ["shopintegrator"]


def test_a_secret_that_the_shop_made_is_taken_however_weak(kit: Kit) -> None:
    add(kit, secret="a" * 32)
    assert kit.sources.get("shop").secrets == ("a" * 32,)


def test_a_name_is_taken_once_even_by_two_at_once(kit: Kit) -> None:
    add(kit)
    with pytest.raises(NotPossible, match="already"), kit.database.write() as session:
        adding.add(
            session,
            "shop",
            {},
            SECRET,
            taken=(),
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
        )


def test_a_free_name_is_suggested() -> None:
    assert adding.free_name("shopify", []) == "shopify"
    assert adding.free_name("My Kind", ["my-shop"]) == "my-shop-2"
    assert adding.free_name("shopify", ["shopify", "shopify-2", "x"]) == "shopify-3"


def test_a_secret_is_added_beside_the_old_one_or_in_its_place(kit: Kit) -> None:
    add(kit)
    new_secret(kit, NEWER, hours=24)
    kit.sources.look_again()
    assert kit.sources.get("shop").secrets == (NEWER, SECRET)
    new_secret(kit, "hush-1e5e4c9d4f7a8e6db0ff", hours=0)
    kit.sources.look_again()
    assert kit.sources.get("shop").secrets == ("hush-1e5e4c9d4f7a8e6db0ff",)


def test_a_secret_that_is_active_is_not_added_again(kit: Kit) -> None:
    add(kit)
    with pytest.raises(NotPossible, match="active already"):
        new_secret(kit, f" {SECRET} ", hours=24)


def test_only_a_saved_source_and_an_active_secret_are_changed(kit: Kit) -> None:
    mark = add(kit)
    with pytest.raises(NotThere, match=r"config\.toml is changed there"):
        new_secret(kit, NEWER, "elsewhere", hours=1)
    with pytest.raises(NotThere, match="no active secret"), kit.database.write() as session:
        adding.end_secret(session, "shop", "00000000", now=datetime.now(UTC))
    with kit.database.write() as session:
        adding.end_secret(session, "shop", mark, now=datetime.now(UTC))
    with pytest.raises(NotThere), kit.database.write() as session:
        adding.end_secret(session, "shop", mark, now=datetime.now(UTC))


def test_a_removed_source_leaves_its_mapping(kit: Kit) -> None:
    add(kit)
    with kit.database.write() as session:
        session.add(MappedFieldRow(source="shop", field="order_id", rule='"Ref"', changed_at=datetime.now(UTC)))
    with kit.database.write() as session:
        adding.remove(session, "shop")
        assert adding.secrets_of(session, "shop") == []
    kit.sources.look_again()
    with pytest.raises(UnknownSource):
        kit.sources.get("shop")
    with pytest.raises(NotThere), kit.database.write() as session:
        adding.remove(session, "shop")
    with kit.database.read() as session:
        assert session.query(SecretRow).filter(SecretRow.source.is_not(None)).count() == 0
    add(kit)
    assert kit.sources.get("shop").saved == {"order_id": "Ref"}
