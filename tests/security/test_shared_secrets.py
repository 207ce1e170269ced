"""The receiver's shared secrets: which hold now, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.security import shared_secrets, signing
from receiver.security.keyring import Keyring
from receiver.security.shared_secrets import SharedSecrets
from receiver.storage.models import SecretRow
from tests.served import SECRET, Served, order_fields

OLD = "the merchant's older secret"
NEW = "the merchant's newer secret"
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def add(kit: Kit, secret: str, **options: Any) -> str:
    with kit.database.write() as session:
        return kit.shared_secrets.add(session, secret, now=NOW, **options)


def end(kit: Kit, fingerprint: str, at: datetime) -> None:
    with kit.database.write() as session:
        kit.shared_secrets.end(session, fingerprint, at=at)


def listing(kit: Kit, now: datetime = NOW) -> list[dict[str, Any]]:
    with kit.database.read() as session:
        return kit.shared_secrets.listing(session, now=now)


def test_the_settings_secrets_are_active(kit: Kit) -> None:
    assert kit.shared_secrets.keyring() == Keyring({SECRET: SECRET.encode()}, {})


def test_an_added_secret_is_active_at_once_without_its_white_space(kit: Kit) -> None:
    assert add(kit, f"  {NEW}\n") == signing.fingerprint(NEW)
    assert set(kit.shared_secrets.keyring().active) == {SECRET, NEW}


def test_an_added_secret_is_stored_encrypted(kit: Kit) -> None:
    add(kit, NEW)
    with kit.database.read() as session:
        (row,) = session.query(SecretRow).all()
    assert NEW not in row.ciphertext
    assert row.fingerprint == signing.fingerprint(NEW)


def test_an_unusable_secret_is_not_added_and_not_shown(kit: Kit) -> None:
    with pytest.raises(ConfigurationError) as caught:
        add(kit, "short")
    assert "short" not in str(caught.value)
    assert len(listing(kit)) == 1


def test_a_secret_holds_until_its_end(kit: Kit) -> None:
    add(kit, NEW, ends_at=NOW + HOUR)
    assert NEW in kit.shared_secrets.keyring().active


def test_a_secret_past_its_end_is_retired_but_known(kit: Kit) -> None:
    add(kit, OLD, ends_at=NOW - HOUR)
    keyring = kit.shared_secrets.keyring()
    assert (set(keyring.active), set(keyring.retired)) == ({SECRET}, {OLD})


def test_an_ended_secret_stops_at_once(kit: Kit) -> None:
    end(kit, add(kit, OLD), NOW)
    assert OLD in kit.shared_secrets.keyring().retired


def test_a_secret_may_be_ended_later_so_that_two_overlap(kit: Kit) -> None:
    end(kit, add(kit, OLD), NOW + HOUR)
    add(kit, NEW)
    assert {OLD, NEW} <= set(kit.shared_secrets.keyring().active)


def test_a_secret_that_was_retired_and_added_again_is_active(kit: Kit) -> None:
    end(kit, add(kit, OLD), NOW)
    add(kit, OLD)
    keyring = kit.shared_secrets.keyring()
    assert OLD in keyring.active
    assert keyring.retired == {}


def test_ending_what_is_not_active_says_where_to_look(kit: Kit) -> None:
    with pytest.raises(ConfigurationError, match="No active secret has the fingerprint 00000000"):
        end(kit, "00000000", NOW)


def test_a_secret_is_not_ended_twice(kit: Kit) -> None:
    mark = add(kit, OLD)
    end(kit, mark, NOW)
    with pytest.raises(ConfigurationError, match="No active secret"):
        end(kit, mark, NOW)


def test_a_secret_of_the_settings_is_ended_there(kit: Kit) -> None:
    with pytest.raises(ConfigurationError, match=r"is in the setting SHARED_SECRETS\. Remove it there"):
        end(kit, signing.fingerprint(SECRET), NOW)


def test_a_source_with_secrets_of_its_own_takes_no_others(kit: Kit) -> None:
    """The receiver's own are known there, so that they are blotted out, but prove nothing."""
    add(kit, OLD, ends_at=NOW - HOUR)
    keyring = kit.shared_secrets.keyring([NEW])
    assert set(keyring.active) == {NEW}
    assert set(keyring.retired) == {OLD}
    assert set(keyring.elsewhere) == {SECRET}
    assert keyring.redact([(OLD, f"x{SECRET}")]) == [
        (f"[secret {signing.fingerprint(OLD)}]", f"x[secret {signing.fingerprint(SECRET)}]")
    ]


def test_the_secrets_of_sources_prove_nothing_elsewhere_and_are_kept_out_too(kit: Kit) -> None:
    keyring = kit.shared_secrets.keyring(of_sources=["a-source-of-its-own"])
    assert "a-source-of-its-own" not in keyring.active
    ((_, value),) = keyring.redact([("note", "sent a-source-of-its-own by mistake")])
    assert "a-source-of-its-own" not in value


def test_a_secret_that_cannot_be_decrypted_any_more_is_added_anew(kit: Kit, make_app: Callable[..., Flask]) -> None:
    add(kit, NEW)
    other: Kit = make_app(SECRET_KEY="another key of thirty-two characters").extensions["receiver"]
    add(other, NEW)
    assert set(other.shared_secrets.keyring().active) == {SECRET, NEW}


def test_what_another_secret_key_encrypted_is_not_active_and_shown_as_unreadable(
    kit: Kit, make_app: Callable[..., Flask]
) -> None:
    add(kit, NEW)
    other: Kit = make_app(SECRET_KEY="another key of thirty-two characters").extensions["receiver"]
    assert set(other.shared_secrets.keyring().active) == {SECRET}
    assert [row["state"] for row in listing(other)] == ["active", "unreadable"]


def test_without_a_secret_key_nothing_can_be_added_or_read(kit: Kit) -> None:
    add(kit, NEW)
    keyless = SharedSecrets(kit.database, secret_key="", from_settings=[])
    assert keyless.keyring() == Keyring({}, {}, is_sealed=True)
    with (
        pytest.raises(ConfigurationError, match="SECRET_KEY is not set; run `flask init` first"),
        kit.database.write() as session,
    ):
        keyless.add(session, OLD, now=NOW)


def test_the_listing_gives_settings_first_then_stored_ones_by_age(kit: Kit) -> None:
    add(kit, OLD, name="selftest", ends_at=NOW - HOUR)
    add(kit, NEW)
    moment = NOW.isoformat(timespec="milliseconds")
    rows = listing(kit)
    assert rows[0] == {
        "fingerprint": "b469f92f",
        "name": "SHARED_SECRETS",
        "state": "active",
        "created_at": None,
        "ends_at": None,
    }
    assert [(row["name"], row["state"]) for row in rows[1:]] == [("selftest", "retired"), ("added", "active")]
    assert datetime.fromisoformat(rows[2]["created_at"]).isoformat(timespec="milliseconds") == moment
    assert datetime.fromisoformat(rows[1]["ends_at"]) < NOW


def test_secrets_in_names_and_values_become_their_fingerprints() -> None:
    keyring = Keyring({NEW: NEW.encode()}, {OLD: OLD.encode()})
    fields = [("secret", NEW), (f"x-{OLD}", "1"), ("note", f"it is {NEW}!"), ("total", "1.00")]
    new, old = (f"[secret {signing.fingerprint(secret)}]" for secret in (NEW, OLD))
    assert keyring.redact(fields) == [
        ("secret", new),
        (f"x-{old}", "1"),
        ("note", f"it is {new}!"),
        ("total", "1.00"),
    ]


def test_a_keyring_never_shows_its_secrets() -> None:
    shown = repr(Keyring({NEW: NEW.encode()}, {OLD: OLD.encode()}))
    assert NEW not in shown
    assert OLD not in shown


def test_a_replaced_secret_holds_for_the_overlap(kit: Kit) -> None:
    old = add(kit, OLD)
    with kit.database.write() as session:
        new = kit.shared_secrets.replace(session, old, NEW, now=NOW, overlap=HOUR)
    assert [(row["fingerprint"], row["state"]) for row in listing(kit)[1:]] == [(old, "active"), (new, "active")]
    assert [row["state"] for row in listing(kit, NOW + HOUR)[1:]] == ["retired", "active"]


def test_of_a_secret_that_another_begins_with_nothing_stays() -> None:
    short = "a secret of 16.."
    long = f"{short} and its tail"
    for active in ([short, long], [long, short]):
        keyring = Keyring({secret: secret.encode() for secret in active}, {})
        assert keyring.redact([("key", f"{long}!")]) == [("key", f"[secret {signing.fingerprint(long)}]!")]


@pytest.mark.parametrize(("moment", "status"), [(-1, 202), (0, 401), (1, 401)])
def test_a_replaced_secret_ends_in_the_very_millisecond_that_was_said(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, moment: int, status: int
) -> None:
    shop = serve(work=False)
    old = add(shop.kit, OLD)
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.replace(session, old, NEW, now=NOW, overlap=HOUR)
    ends_at = next(row.ends_at for row in shop.rows(SecretRow) if row.fingerprint == old)
    assert ends_at == (NOW + HOUR).replace(microsecond=NOW.microsecond // 1000 * 1000)

    clock = SimpleNamespace(now=lambda _zone: ends_at + timedelta(milliseconds=moment))
    monkeypatch.setattr(shared_secrets, "datetime", clock)
    assert shop.post(order_fields(), headers={"X-Shared-Secret": OLD}).status == status
    assert shop.post(order_fields(), headers={"X-Shared-Secret": NEW}).status == 202
