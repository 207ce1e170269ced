"""Settings: the receiver's secrets, and all that is in force."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.security import signing
from tests.served import SECRET, Served, order_fields
from tests.web.console.browsing import NARROW, Browsing
from tests.web.console.visitor import Page, Visitor

PASTED = "what the service has shown"
MARK = signing.fingerprint(PASTED)


def add(visitor: Visitor, secret: str = PASTED, replaces: str = "", overlap: str = "24") -> Page:
    return visitor.post("/admin/settings/secrets", {"secret": secret, "replaces": replaces, "overlap": overlap})


def status(shop: Served, secret: str) -> int:
    return shop.post(order_fields(), headers={"X-Shared-Secret": secret}).status


def states(page: Page) -> dict[str, str]:
    return dict(
        re.findall(r"<code>([0-9a-f]{8})</code>.*?<span class=\"state [a-z]+\">(\w+)</span>", page.html, re.DOTALL)
    )


def test_a_pasted_secret_is_active_at_once(shop: Served, visitor: Visitor) -> None:
    page = add(visitor, f" {PASTED} ")
    assert f"Added. The secret {MARK} is active now" in page.text
    assert states(page) == {signing.fingerprint(SECRET): "active", MARK: "active"}
    assert PASTED not in page.html
    assert status(shop, PASTED) == 202


def test_a_made_secret_is_shown_once(shop: Served, visitor: Visitor) -> None:
    page = add(visitor, "")
    (made,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", page.html)
    assert "shown only once" in page.text
    assert made not in visitor.get("/admin/settings").html
    assert status(shop, made) == 202


@pytest.mark.parametrize(
    ("secret", "said"), [("too short", "at least 16 characters"), ("x" * 1001, "at most 1,000 characters")]
)
def test_a_secret_that_cannot_serve_is_refused(visitor: Visitor, secret: str, said: str) -> None:
    page = add(visitor, secret)
    assert page.status == 422
    assert said in page.text
    assert len(states(page)) == 1


def test_a_replaced_secret_holds_for_the_overlap(shop: Served, visitor: Visitor) -> None:
    add(visitor)
    page = add(visitor, "the one that follows it", replaces=MARK)
    assert states(page)[MARK] == "active"
    assert "in 24 hours" in page.text
    assert status(shop, PASTED) == 202


def test_a_secret_can_be_replaced_at_once(shop: Served, visitor: Visitor) -> None:
    add(visitor)
    page = add(visitor, "the one that follows it", replaces=MARK, overlap="0")
    assert states(page)[MARK] == "retired"
    assert (status(shop, PASTED), status(shop, "the one that follows it")) == (401, 202)


@pytest.mark.parametrize(("replaces", "overlap"), [("00000000", "24"), (signing.fingerprint(SECRET), "24"), ("", "x")])
def test_only_what_is_offered_can_be_chosen(visitor: Visitor, replaces: str, overlap: str) -> None:
    assert add(visitor, replaces=replaces, overlap=overlap).status == 422


def test_a_revoked_secret_stops_at_once(shop: Served, visitor: Visitor) -> None:
    add(visitor)
    page = visitor.post(f"/admin/settings/secrets/{MARK}/revoke")
    assert f"Revoked {MARK}" in page.text
    assert states(page)[MARK] == "retired"
    assert status(shop, PASTED) == 401


def test_a_secret_of_the_settings_is_not_revoked_here(visitor: Visitor) -> None:
    page = visitor.get("/admin/settings")
    assert "the setting SHARED_SECRETS" in page.text
    assert "remove it from the setting" in page.text
    refused = visitor.post(f"/admin/settings/secrets/{signing.fingerprint(SECRET)}/revoke")
    assert refused.status == 409
    assert "is in the setting SHARED_SECRETS. Remove it there." in refused.text


def test_without_a_secret_it_says_what_to_do(serve: Callable[..., Served]) -> None:
    person = Visitor(serve(work=False, SHARED_SECRETS=[]).base)
    person.sign_in()
    text = person.get("/admin/settings").text
    assert "No secrets yet Every POST is refused." in text
    assert "Replaces" not in text


def test_settings_show_value_and_origin_but_no_secret(
    instance: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (instance / "config.toml").open("a") as file:
        file.write('MAIL_PASSWORD = "open sesame"\nRETRY_SCHEDULE = [60, 300]\n')
    monkeypatch.setenv("RECEIVER_TIMEZONE", "Europe/London")
    person = Visitor(serve(work=False).base)
    person.sign_in()
    page = person.get("/admin/settings")
    for line in (
        "MAIL_PASSWORD set config.toml",
        "RETRY_SCHEDULE 60, 300 config.toml",
        "TIMEZONE Europe/London environment",
        "MAIL_SERVER empty default",
        "MAIL_USE_TLS false default",
        "HANDLERS all default",
        "SECRET_KEY set secret_key",
        "SHARED_SECRETS 1 set",
        "RETENTION_DAYS 365 default",
    ):
        assert line in page.text, line
    assert "open sesame" not in page.html
    assert SECRET not in page.html
    assert (instance / "secret_key").read_text() not in page.html


def test_a_name_that_is_no_setting_is_told_at_the_top(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIVER_WAREHOUSE_EMAIL", "warehouse@shop.example")
    visitor = Visitor(serve().base)
    visitor.sign_in()
    said = "RECEIVER_WAREHOUSE_EMAIL, which is no setting and has no effect."
    assert said in visitor.get("/admin/settings").text


def test_wrong_settings_stand_at_the_top(serve: Callable[..., Served]) -> None:
    person = Visitor(serve(work=False, WORKER_THREADS=0).base)
    person.sign_in()
    assert "WORKER_THREADS must be 1 to 64." in person.get("/admin/settings").text


@pytest.mark.parametrize(("days", "said"), [(30, "is deleted after 30 days"), (0, "everything is kept")])
def test_retention_is_told(serve: Callable[..., Served], days: int, said: str) -> None:
    person = Visitor(serve(work=False, RETENTION_DAYS=days).base)
    person.sign_in()
    assert said in person.get("/admin/settings").text


def test_adding_and_revoking_in_the_browser(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, viewport=NARROW)
    person.sign_in()
    person.open("/admin/settings")
    person.page.get_by_label("Secret", exact=True).fill(PASTED)
    person.page.get_by_role("button", name="Add the secret").click()
    person.page.get_by_text("is active now").wait_for()
    person.page.get_by_role("button", name="Add the secret").click()
    person.page.get_by_text("shown only once").first.wait_for()
    person.page.get_by_text(f"Revoke {MARK}").click()
    wrong = person.look()
    person.page.get_by_role("button", name="Revoke now").first.click()
    person.page.get_by_text(f"Revoked {MARK}").wait_for()
    assert wrong + person.look() == []


def test_settings_without_javascript(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, java_script_enabled=False)
    person.sign_in()
    person.open("/admin/settings")
    person.page.get_by_label("Secret", exact=True).fill(PASTED)
    person.page.get_by_role("button", name="Add the secret").click()
    person.page.get_by_text(f"Added. The secret {MARK} is active now").wait_for()


def test_the_alarms_say_what_is_mailed_to_whom(serve: Callable[..., Served]) -> None:
    def text_with(**settings: object) -> str:
        visitor = Visitor(serve(MERCHANT_EMAIL="owner@shop.example", **settings).base)
        visitor.sign_in()
        return visitor.get("/admin/settings").text

    text = text_with()
    assert "owner@shop.example : failed orders, parked orders, failed emails and refused POSTs each in" in text
    assert "A handler failed on an order" in text
    assert "these emails don't leave this server" in text
    assert "Off: no orders for a while" in text
    assert "Off: gaps in order numbers" in text
    assert "Set ALERT_URL to have alerts posted" in text
    hook = "https://hooks.slack.com/services/T0/B0/as-good-as-a-password"
    text = text_with(MAIL_SERVER="127.0.0.1", QUIET_HOURS_ALARM=12, ORDER_GAP_ALARM=True, ALERT_URL=hook)
    assert "Alerts are posted to ALERT_URL as well." in text
    assert "as-good-as-a-password" not in text
    assert "these emails don't leave this server" not in text
    assert "No orders for 12 hours" in text
    assert "Off:" not in text
