"""The diagnosis: what is said of everything that orders depend on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from receiver import create_app
from receiver.app.components import Kit
from receiver.app.doctor import Finding, diagnose
from receiver.errors import Unauthenticated, Unavailable
from receiver.mail.message import MailNotDelivered
from receiver.security.keyring import Keyring
from receiver.storage import safekeeping, sqlite
from receiver.storage.models import MailRow, OrderRow
from tests.served import SECRET, Served

NOW = datetime.now(UTC)
SUBJECTS = [
    "release",
    *(
        "settings",
        "instance",
        "sqlite",
        "database",
        "disk",
        "backup",
        "secrets",
        "clock",
        "refused",
        "quiet",
        "quarantine",
        "card data",
    ),
    *(
        "queue",
        "queue",
        "queue",
        "chunked forms",
        "same id",
        "mail",
        "templates",
        "registrars",
        "registrar",
        "handlers",
        "public url",
    ),
]
OWN = {"SHOP_NAME": "Mine", "MERCHANT_EMAIL": "me@laden.de", "MAIL_DEFAULT_SENDER": "shop@laden.de"}


@pytest.fixture
def findings(make_app: Callable[..., Flask]) -> Callable[..., list[Finding]]:
    """Diagnose an app with these settings."""
    return lambda **settings: list(diagnose(make_app(**settings).extensions["receiver"]))


def of(findings: list[Finding], subject: str) -> list[tuple[str, str]]:
    return [(finding.state, finding.text) for finding in findings if finding.subject == subject]


def order(**changes: Any) -> OrderRow:
    values: dict[str, Any] = {
        "source": "shopintegrator",
        "key": "evt_1",
        "test": False,
        "encoding": "",
        "fields": "[]",
        "fields_digest": "",
        "notes": "[]",
        "proof": "header",
        "fingerprint": "",
        "received_at": NOW,
        "state": "open",
    }
    return OrderRow(**values | changes)


def refuse(kit: Kit, reason: str, detail: str) -> None:
    error = Unauthenticated(reason, detail)
    keyring = Keyring({}, {})
    kit.refusals.add(error, at=NOW, source="x", address=None, headers=[], fields=[], keyring=keyring)
    kit.refusals.flush()


@pytest.mark.sqlite
def test_everything_is_looked_at_in_order(findings: Callable[..., list[Finding]]) -> None:
    assert [finding.subject for finding in findings(**OWN)] == SUBJECTS


def test_a_fresh_instance_with_a_secret_has_nothing_wrong(findings: Callable[..., list[Finding]]) -> None:
    assert [finding for finding in findings() if finding.state == "wrong"] == []


@pytest.mark.parametrize(
    ("user", "said"), [("shop", " and accepts the login"), ("", ", without a login: MAIL_USERNAME isn't set")]
)
def test_in_production_with_a_mail_server_all_is_well(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, user: str, said: str
) -> None:
    mail = {"MAIL_SERVER": "smtp.laden.de", "MAIL_USERNAME": user, "MAIL_PASSWORD": user, "MAIL_USE_TLS": True}
    proxied = {"PUBLIC_URL": "https://shop.example", "TRUSTED_PROXIES": 1}
    kit: Kit = make_app(**OWN, **proxied, **mail).extensions["receiver"]
    monkeypatch.setattr(kit.transport, "check", lambda: None)
    with kit.database.write() as session:
        safekeeping.note_backup(session, datetime.now(UTC))
    found = list(diagnose(kit))
    assert {finding.state for finding in found} == {"ok"}
    assert of(found, "mail") == [("ok", f"smtp.laden.de answers{said}")]
    assert of(found, "public url") == [("ok", "https://shop.example: the service posts to …/orders")]


@pytest.mark.parametrize(("url", "is_reported"), [("https://shop.example", True), ("http://127.0.0.1:8000", False)])
def test_https_without_a_trusted_proxy_is_reported(
    findings: Callable[..., list[Finding]], url: str, is_reported: bool
) -> None:
    found = of(findings(PUBLIC_URL=url), "proxies")
    assert ([state for state, _ in found], "share its address" in str(found)) == (
        ["warning"] * is_reported,
        is_reported,
    )


@pytest.mark.parametrize(
    ("url", "proxies", "is_reported"),
    [
        ("http://192.0.2.1:8000", 0, True),
        ("http://shop.example", 0, True),
        ("https://shop.example", 0, True),
        ("http://shop.example", 1, False),
        ("http://localhost:8000", 0, False),
        ("http://[::1]:8000", 0, False),
    ],
)
def test_what_it_means_to_be_reached_without_a_proxy_is_reported(
    findings: Callable[..., list[Finding]], url: str, proxies: int, is_reported: bool
) -> None:
    found = of(findings(PUBLIC_URL=url, TRUSTED_PROXIES=proxies), "proxies")
    assert ("a few clients that stall keep orders out" in str(found)) is is_reported


def test_a_wrong_setting_is_reported(findings: Callable[..., list[Finding]]) -> None:
    assert of(findings(**OWN, LOG_LEVEL="loud"), "settings") == [
        ("wrong", 'LOG_LEVEL must be debug, info, warning or error. Until it\'s fixed, "info" holds.')
    ]


def test_a_name_that_is_no_setting_is_a_warning(
    instance: Path, findings: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIVER_MAIL_SERVR", "smtp.shop.example")
    said = "The environment has RECEIVER_MAIL_SERVR, which is no setting and has no effect; is MAIL_SERVER meant?"
    found = of(findings(**OWN), "settings")
    assert found[0][0] == "ok"
    assert ("warning", said) in found


def test_values_of_the_example_are_told(findings: Callable[..., list[Finding]]) -> None:
    settings = OWN | {"SHOP_NAME": "Example Shop"}
    said = ("warning", "still the example values: SHOP_NAME. Set them in config.toml")
    assert said in of(findings(**settings), "settings")


@pytest.mark.parametrize("name", ["", "secret_key", "config.toml"])
def test_what_others_can_read_is_reported_with_the_fix(
    instance: Path, findings: Callable[..., list[Finding]], name: str
) -> None:
    path = instance / name
    path.chmod(0o755)
    assert of(findings(), "instance") == [("wrong", f"other users can read {path}. Run: chmod go= {path}")]


def test_before_the_set_up_everything_is_still_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(tmp_path / "none"))
    found = list(diagnose(create_app().extensions["receiver"]))
    assert of(found, "instance") == [("wrong", f"{tmp_path}/none doesn't exist. Run `flask init`")]
    assert [state for state, _ in of(found, "database")] == ["wrong", "wrong"]
    assert of(found, "secrets") == [
        (
            "wrong",
            "The database can't be used now (unable to open database file); see DATABASE_URL and the instance folder.",
        )
    ]
    assert found[-1].subject == "public url"


def test_a_disk_that_is_nearly_full_is_reported(
    findings: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch, instance: Path
) -> None:
    """A small row may still find room where an order finds none."""
    assert of(findings(), "disk")[0][0] == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=9_900_000))
    said = f"only 9 MB free at {instance}. Free some space: once it's full, orders get a 503"
    assert of(findings(), "disk") == [("wrong", said)]


@pytest.mark.sqlite
def test_a_damaged_file_is_reported(make_app: Callable[..., Flask], instance: Path) -> None:
    kit: Kit = make_app().extensions["receiver"]
    kit.database.checkpoint()
    kit.database.engine.dispose()
    with (instance / "receiver.sqlite").open("r+b") as file:
        file.seek(10 * 4096)
        file.write(b"?" * 4096)
    assert of(list(diagnose(kit)), "database") == [
        ("wrong", "the file is damaged; restore a backup, see “Back up and upgrade” in Help")
    ]


@pytest.mark.sqlite
def test_an_sqlite_that_can_lose_commits_is_used_more_slowly(
    findings: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "journal_mode", lambda: "delete")
    ((state, text),) = of(findings(), "sqlite")
    assert state == "ok"
    assert "in delete mode, full sync (slower, but safe" in text


def test_a_database_that_cannot_be_written_is_reported(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(patience: float, **_: Any) -> None:
        raise Unavailable("Another process is writing for too long; try again.")

    kit: Kit = make_app().extensions["receiver"]
    monkeypatch.setattr(kit.database, "begin_write", busy)
    assert of(list(diagnose(kit)), "database") == [("wrong", "Another process is writing for too long; try again.")]


def test_active_secrets_are_named_by_fingerprint_only(findings: Callable[..., list[Finding]]) -> None:
    found = findings()
    assert of(found, "secrets") == [("ok", "active: b469f92f")]
    assert SECRET not in str(found)


def test_without_an_active_secret_the_remedy_is_reported(findings: Callable[..., list[Finding]]) -> None:
    said = "none is active, so every POST is refused. Add one: flask secret add"
    assert of(findings(SHARED_SECRETS=[]), "secrets") == [("wrong", said)]


def test_sources_with_secrets_of_their_own_need_no_shared_one(findings: Callable[..., list[Finding]]) -> None:
    found = findings(SHARED_SECRETS=[], sources={"mugs": {"kind": "shopify", "secrets": [SECRET]}})
    said = "none is shared, so only POSTs to sources with their own are taken: mugs"
    assert of(found, "secrets") == [("ok", said)]


def test_while_the_key_cannot_be_read_no_secret_is_to_be_revoked(
    kit: Kit, make_app: Callable[..., Flask], instance: Path
) -> None:
    with kit.database.write() as session:
        kit.shared_secrets.add(session, "sixteen characters or more", now=NOW)
    (instance / "secret_key").unlink()
    (instance / "secret_key").mkdir()
    found = of(list(diagnose(make_app().extensions["receiver"])), "secrets")
    assert not any("revoke" in text for _, text in found)


def test_a_secret_that_another_key_encrypted_is_reported(kit: Kit, findings: Callable[..., list[Finding]]) -> None:
    with kit.database.write() as session:
        mark = kit.shared_secrets.add(session, "sixteen characters or more", now=NOW)
    found = of(findings(SECRET_KEY="another key of thirty-two characters"), "secrets")
    assert found[1] == (
        "wrong",
        (
            f"{mark} cannot be decrypted with this SECRET_KEY: put the right secret_key back, or run `flask init "
            "--new-key` and add them again"
        ),
    )


def test_signed_posts_with_another_time_cast_doubt_on_the_clock(
    kit: Kit, findings: Callable[..., list[Finding]]
) -> None:
    refuse(kit, "clock_off", "webhook-timestamp is 400 s behind this server's clock; 300 s are allowed.")
    ((state, text),) = of(findings(), "clock")
    assert (state, text.partition(".")[0]) == (
        "warning",
        "POSTs in 24 h whose time was more than 300 s off: 1",
    )


def test_the_newest_refusal_of_each_reason_is_reported(kit: Kit, findings: Callable[..., list[Finding]]) -> None:
    refuse(kit, "unknown_secret", "The last.")
    refuse(kit, "unknown_secret", "The last.")
    ((state, text),) = of(findings(), "refused")
    assert state == "warning"
    assert "The last. Copy the secret from the service's Order Controls" in text


def test_a_refusal_names_the_url_that_it_came_to(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post({}, path="/orders/nowhere")
    shop.post({}, prove=False)
    shop.kit.refusals.flush()
    texts = [text for _, text in of(list(diagnose(shop.kit)), "refused")]
    assert " UTC on /orders/nowhere: No source has this name" in texts[0]
    assert " UTC on /orders: No field's value" in texts[1]


def test_open_overdue_failed_and_parked_jobs_are_counted(kit: Kit, findings: Callable[..., list[Finding]]) -> None:
    an_hour_ago = NOW - timedelta(hours=1)
    texts = dict.fromkeys(("message_id", "recipient", "subject", "text"), "x")
    mail = {**texts, "attachments": "[]", "test": False, "created_at": NOW}
    with kit.database.write() as session:
        session.add(order(key="1", due_at=datetime.now(UTC)))
        session.add(order(key="2", due_at=an_hour_ago))
        session.add(order(key="3", state="parked"))
        session.add(MailRow(state="failed", **mail))
    assert of(findings(), "queue") == [
        ("warning", "2 orders open, 1 of them overdue, 0 failed. Is the server or `flask worker` running?"),
        ("warning", "0 emails open, 0 of them overdue, 1 failed. See `flask mail list --state failed`"),
        ("ok", "0 transmissions open, 0 of them overdue, 0 failed"),
        ("warning", "1 orders parked. See `flask orders list --state parked`"),
    ]


def test_without_a_mail_server_the_outbox_is_named(instance: Path, findings: Callable[..., list[Finding]]) -> None:
    said = f"MAIL_SERVER isn't set: emails are saved in {instance}/outbox and not sent"
    assert of(findings(), "mail") == [("warning", said)]


@pytest.mark.parametrize(
    ("settings", "is_reported"),
    [
        ({"MAIL_SERVER": "smtp.laden.de", "MAIL_USERNAME": "shop"}, True),
        ({"MAIL_SERVER": "smtp.laden.de", "MAIL_USERNAME": "shop", "MAIL_USE_TLS": True}, False),
        ({"MAIL_SERVER": "smtp.laden.de", "MAIL_USERNAME": "shop", "MAIL_USE_SSL": True}, False),
        ({"MAIL_SERVER": "smtp.laden.de"}, False),
        ({"MAIL_SERVER": "localhost", "MAIL_USERNAME": "shop"}, False),
    ],
)
@pytest.mark.parametrize("quickly", [True, False])
def test_a_password_that_travels_in_clear_is_reported(
    make_app: Callable[..., Flask],
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    is_reported: bool,
    quickly: bool,
) -> None:
    kit: Kit = make_app(**settings).extensions["receiver"]
    monkeypatch.setattr(kit.transport, "check", lambda: None)
    said = ("warning", "MAIL_PASSWORD is sent unencrypted: set MAIL_USE_TLS (port 587) or MAIL_USE_SSL (port 465)")
    assert (said in of(list(diagnose(kit, quickly=quickly)), "mail")) is is_reported


def test_a_mail_server_that_refuses_is_reported_without_the_password(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise MailNotDelivered("smtp.laden.de refuses the login.", permanent=False)

    kit: Kit = make_app(MAIL_SERVER="smtp.laden.de", MAIL_PASSWORD="swordfish").extensions["receiver"]
    monkeypatch.setattr(kit.transport, "check", refused)
    found = list(diagnose(kit))
    assert of(found, "mail") == [("wrong", "smtp.laden.de refuses the login.")]
    assert "swordfish" not in str(found)


@pytest.mark.parametrize("table", [{}, {"url": "https://website.example/users"}])
@pytest.mark.parametrize("registrar", ["sql", "http"])
def test_a_registrar_that_is_wrong_is_not_said_to_be_right(
    findings: Callable[..., list[Finding]], registrar: str, table: dict[str, str]
) -> None:
    found = findings(REGISTRAR=registrar, registrar=table)
    assert of(found, "settings")[0][0] == "wrong"
    assert of(found, "registrar") == [
        ("wrong", f"{registrar}: customers aren't registered until [registrar] in config.toml is fixed")
    ]


def test_handlers_are_named_and_broken_ones_reported(instance: Path, findings: Callable[..., list[Finding]]) -> None:
    (instance / "handlers" / "bad.py").write_text("1 / 0\n")
    found = of(findings(), "handlers")
    assert [state for state, _ in found] == ["wrong", "ok"]
    assert "bad.py cannot be loaded" in found[0][1]
    assert found[1][1] == "register_customer, email_customer, notify_merchant"


def test_no_handler_at_all_is_reported(findings: Callable[..., list[Finding]]) -> None:
    assert of(findings(HANDLERS=["no_such"]), "handlers")[-1] == ("warning", "none run. See HANDLERS")


def test_a_trials_openness_is_reported(findings: Callable[..., list[Finding]]) -> None:
    found = findings(RELAY_ALLOW_PRIVATE=True)
    (address,), (relay,) = of(found, "public url"), of(found, "relay")
    assert (address[0], relay[0]) == ("warning", "warning")
    assert address[1].startswith("PUBLIC_URL isn't https")
    assert relay[1].startswith("RELAY_ALLOW_PRIVATE is on")


@pytest.mark.parametrize(
    ("url", "days", "state", "said"),
    [
        ("http://127.0.0.1:8000", None, "ok", "none yet"),
        ("https://shop.example", None, "warning", "none yet. `flask backup FOLDER` makes one"),
        ("https://shop.example", 6, "ok", "the last one is of 2"),
        ("https://shop.example", 8, "warning", "8 days old. `flask backup FOLDER` makes one"),
    ],
)
def test_how_old_the_last_backup_is_is_said(
    make_app: Callable[..., Flask], url: str, days: int | None, state: str, said: str
) -> None:
    kit: Kit = make_app(PUBLIC_URL=url).extensions["receiver"]
    if days is not None:
        with kit.database.write() as session:
            safekeeping.note_backup(session, datetime.now(UTC) - timedelta(days=days, minutes=1))
    ((found, text),) = of(list(diagnose(kit, quickly=True)), "backup")
    assert found == state
    assert said in text


def test_a_quick_look_connects_nowhere_and_waits_for_nobody(make_app: Callable[..., Flask]) -> None:
    kit = make_app(MAIL_SERVER="192.0.2.1").extensions["receiver"]
    with kit.database.write():
        found = list(diagnose(kit, quickly=True))
    assert {finding.subject for finding in found} == {
        "settings",
        "instance",
        "secrets",
        "registrars",
        "handlers",
        "public url",
        "backup",
    }


def test_a_quick_look_sees_that_no_mail_server_is_named(kit: Kit) -> None:
    assert [state for state, _ in of(list(diagnose(kit, quickly=True)), "mail")] == ["warning"]


def test_what_came_under_one_id_is_counted_and_two_completed_orders_are_warned_of(
    kit: Kit, findings: Callable[..., list[Finding]]
) -> None:
    assert of(findings(), "same id") == [("ok", "events in 7 days that share an id with another event: 0")]
    at = NOW - timedelta(days=6)
    paid = {"decided": "completed", "state": "done", "received_at": at}
    with kit.database.write() as session:
        session.add(order(id=1, key="E1", state="ignored", decided="pending", received_at=at))
        session.add(order(id=2, key="E1.a", same_id_as=1, **paid))
        session.add(order(id=3, key="E1.old", same_id_as=1, **paid | {"received_at": NOW - timedelta(days=8)}))
    ((state, text),) = of(findings(), "same id")
    assert (state, text.partition(": ")[2]) == (
        "ok",
        "1, 0 of them two completed orders. See `flask orders list --same-id`",
    )
    with kit.database.write() as session:
        session.add(order(id=4, key="E1.b", same_id_as=1, **paid))
    ((state, text),) = of(findings(), "same id")
    assert (state, "event: 2, 1 of them two completed orders" in text) == ("warning", True)
    assert "Does the shop use one event_id for several orders" in text
