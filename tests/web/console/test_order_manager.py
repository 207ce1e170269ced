"""The Order Manager: what it refuses, what a test transmission's failure says, the secret's life, sending again."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from receiver.errors import ConfigurationError
from receiver.relay.recording import record
from receiver.storage.relay_models import TransmissionRow
from tests.hostile_servers import reply, serving
from tests.relay.relaying import an_order
from tests.served import Served
from tests.web.console.visitor import PASSWORD, Page, Visitor

PAGE = "/admin/order-manager"
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Return a receiver that may post to itself, and whose transmissions no worker sends."""
    return serve(RELAY_ALLOW_PRIVATE=True, work=False)


def save(visitor: Visitor, url: str, **changes: str) -> Page:
    """Save the Order Controls as its form does."""
    return visitor.post(PAGE, {"enabled": "y", "url": url, "encoding": "form", **changes})


def secrets_on(page: Page) -> list[str]:
    """Return the secrets that a page shows in clear."""
    return _SECRET.findall(page.text.replace("&#43;", "+"))


def failed_transmission(shop: Served, created_at: datetime) -> str:
    """Let an order have failed; gives its event."""
    with shop.kit.database.write() as session:
        event_id = record(session, an_order(), now=created_at)
        values = {"state": "failed", "due_at": None, "settled_at": created_at}
        session.execute(update(TransmissionRow).where(TransmissionRow.event_id == event_id).values(values))
    return event_id


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Enter the URL"),
        ("ftp://shop.example/orders", "http"),
        ("https://user:pass@shop.example/orders", "user"),
        ("https://shop.example/orders#top", "#"),
        ("shop.example/orders", "http"),
        ("https:///orders", "host"),
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused_in_words(visitor: Visitor, url: str, said: str) -> None:
    page = save(visitor, url)
    assert page.status == 422
    assert said in re.search(r'<p class="error"[^>]*>([^<]+)', page.html)[1]  # type: ignore[index]
    assert "<details" in page.html
    assert 'id="order-controls" open' in page.html
    assert not visitor.get(PAGE).html.count("Signs until")


@pytest.mark.parametrize(
    "url", ["http://shop.example/orders", "https://127.0.0.1/orders", "https://[::1]/orders", "https://2130706433/"]
)
def test_in_production_only_a_public_address_over_https_will_do(serve: Callable[..., Served], url: str) -> None:
    shop = serve(PUBLIC_URL="https://shop.example", work=False)
    with pytest.raises(ConfigurationError):
        shop.kit.controls.save(enabled=True, url=url)
    assert not shop.kit.controls.read().enabled


def test_http_post_is_switched_off_even_when_the_saved_url_will_do_no_longer(serve: Callable[..., Served]) -> None:
    serve(RELAY_ALLOW_PRIVATE=True, work=False).kit.controls.save(enabled=True, url="http://127.0.0.1:9/orders")
    shop = serve(work=False)
    visitor = Visitor(shop.base)
    visitor.sign_in()

    page = visitor.post(PAGE, {"url": "http://127.0.0.1:9/orders", "encoding": "form"})
    assert "HTTP POST is off, and orders are held." in page.text
    assert not shop.kit.controls.read().enabled
    assert save(visitor, "http://127.0.0.1:9/orders").status == 422


def test_the_secret_is_shown_once_and_never_travels_in_a_cookie(visitor: Visitor, shop: Served) -> None:
    page = save(visitor, "http://127.0.0.1:9/orders")
    (secret,) = set(secrets_on(page))
    assert secret == shop.kit.controls.reveal()
    assert f"flask secret add '{secret}'" in page.text
    assert secrets_on(visitor.get(PAGE)) == []
    assert shop.kit.controls.read().secrets[0].fingerprint in visitor.get(PAGE).text
    assert secrets_on(save(visitor, "http://127.0.0.1:9/orders")) == []


def test_the_secret_is_revealed_behind_the_password_alone(visitor: Visitor, shop: Served) -> None:
    assert visitor.get(f"{PAGE}/reveal").status == 404
    save(visitor, "http://127.0.0.1:9/orders")
    wrong = visitor.post(f"{PAGE}/reveal", {"password": "guessed"})
    assert (wrong.status, secrets_on(wrong)) == (422, [])
    right = visitor.post(f"{PAGE}/reveal", {"password": PASSWORD})
    assert set(secrets_on(right)) == {shop.kit.controls.reveal()}
    assert visitor.post(f"{PAGE}/reveal").status == 422
    for _ in range(5):
        last = visitor.post(f"{PAGE}/reveal", {"password": "guessed"})
    assert last.status == 429
    assert "Too many attempts." in last.text


def test_a_purged_test_transmission_leaves_the_page_as_it_is_without(visitor: Visitor) -> None:
    page = visitor.get(f"{PAGE}?tested=evt_purged_since")
    assert page.status == 200
    assert "Result of the test transmission" not in page.text


def test_a_rotated_secret_signs_along_until_it_is_revoked(visitor: Visitor, shop: Served) -> None:
    save(visitor, "http://127.0.0.1:9/orders")
    old = shop.kit.controls.reveal()
    (old_mark,) = [one.fingerprint for one in shop.kit.controls.read().secrets]
    page = visitor.post(f"{PAGE}/rotate")
    new = shop.kit.controls.reveal()
    assert set(secrets_on(page)) == {new}
    assert f"flask secret add '{new}' --replaces {old_mark} --overlap 24h" in page.text
    assert shop.kit.controls.active_secrets() == [new, old]
    assert "no longer signs" in visitor.post(f"{PAGE}/revoke/{old_mark}").text
    assert shop.kit.controls.active_secrets() == [new]
    assert visitor.post(f"{PAGE}/revoke/{old_mark}").status == 404


def test_this_very_receiver_follows_a_rotation(visitor: Visitor, shop: Served) -> None:
    save(visitor, shop.url)
    assert "doesn't have this secret yet" in visitor.get(PAGE).text
    assert "Give the secret to this receiver" in visitor.post(f"{PAGE}/reveal", {"password": PASSWORD}).text
    visitor.post(f"{PAGE}/give")
    assert "and it has this secret" in visitor.get(PAGE).text
    rotated = visitor.post(f"{PAGE}/rotate")
    assert "It's shown only once" in rotated.text
    revealed = visitor.post(f"{PAGE}/reveal", {"password": PASSWORD})
    assert "It's shown only once" not in revealed.text
    for page in (rotated, revealed, visitor.get(PAGE)):
        assert "and it has this secret" in page.text
        assert "Give the secret to this receiver" not in page.text
    assert "tested" in visitor.post(f"{PAGE}/test").text


def test_a_secret_is_given_to_this_receiver_only_when_there_is_one_and_the_url_leads_here(
    visitor: Visitor, shop: Served
) -> None:
    known = set(shop.kit.shared_secrets.keyring().active)
    assert "There's no secret yet" in visitor.post(f"{PAGE}/give").text
    save(visitor, "http://127.0.0.1:9/orders")
    assert "doesn't point to this receiver" in visitor.post(f"{PAGE}/give").text
    visitor.post(PAGE, {"url": "", "encoding": "form"})
    assert "doesn't point to this receiver" in visitor.post(f"{PAGE}/give").text
    assert set(shop.kit.shared_secrets.keyring().active) == known


def test_a_test_that_arrived_says_so(visitor: Visitor) -> None:
    with serving(reply("202 Accepted")) as server:
        save(visitor, server.url())
        page = visitor.post(f"{PAGE}/test")
    assert "The test arrived. See the result below." in page.text
    assert "The test failed." not in page.text


def test_when_this_very_receiver_refuses_the_proof_the_press_that_mends_it_is_named(
    visitor: Visitor, shop: Served
) -> None:
    save(visitor, shop.url)
    mend = "Press Give the secret to this receiver above, then test again"
    assert mend in visitor.post(f"{PAGE}/test").text
    visitor.post(f"{PAGE}/give")
    assert mend not in visitor.post(f"{PAGE}/test").text


def test_without_a_url_a_test_says_what_to_do(visitor: Visitor) -> None:
    assert "Enter the URL of your own server and save it first" in visitor.post(f"{PAGE}/test").text


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("302 Found", "302"),
        ("401 Unauthorized", "couldn't verify the POST (401)"),
        ("404 Not Found", "nothing at this path (404)"),
        ("413 Content Too Large", "(413)"),
        ("415 Unsupported Media Type", "(415)"),
        ("500 Internal Server Error", "failed (5xx)"),
    ],
)
def test_a_failed_test_says_why_and_what_next(visitor: Visitor, status: str, cause: str) -> None:
    with serving(reply(status, b"<script>alert(1)</script>", Location="http://169.254.169.254/")) as server:
        save(visitor, server.url())
        page = visitor.post(f"{PAGE}/test")
    assert cause in page.text
    assert "The test failed. See why below." in page.text
    assert "sent again" not in page.text
    assert "Next:" in page.text
    assert "webhook-signature: v1," in page.text
    assert "&lt;script&gt;" in page.html
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "cause"),
    [("http://nowhere.invalid/orders", "wasn't found"), ("http://127.0.0.1:9/orders", "nothing is listening")],
)
def test_without_a_connection_the_cause_is_named_too(visitor: Visitor, url: str, cause: str) -> None:
    save(visitor, url)
    page = visitor.post(f"{PAGE}/test")
    assert cause in page.text
    assert "couldn't connect" in page.text


def test_orders_stand_there_with_their_attempts(visitor: Visitor, shop: Served) -> None:
    with serving(reply("500 Internal Server Error", b"no")) as server:
        save(visitor, server.url())
        event_id = failed_transmission(shop, datetime.now(UTC))
        visitor.post(f"{PAGE}/transmissions/{event_id}/resend")
        shop.kit.transmissions.run_next()
        page = visitor.get(f"{PAGE}/transmissions/{event_id}")
    assert "Attempt 1" in page.text
    assert "Mug" in page.text
    assert "failed (5xx)" in visitor.get(f"{PAGE}?state=open").text
    assert "No transmissions are held" in visitor.get(f"{PAGE}?state=held").text
    assert visitor.get(f"{PAGE}/transmissions/evt_none").status == 404


def test_while_disabled_what_is_resent_is_held(visitor: Visitor, shop: Served) -> None:
    event_id = failed_transmission(shop, datetime.now(UTC))
    page = visitor.post(f"{PAGE}/transmissions/{event_id}/resend")
    assert "held, because HTTP POST is off in Order Controls" in page.text


def test_a_test_transmission_is_not_sent_again(visitor: Visitor, shop: Served) -> None:
    save(visitor, "http://127.0.0.1:9/orders")
    event_id = shop.kit.transmissions.send_test().event_id
    assert "Press the test button to send a new one" in visitor.post(f"{PAGE}/transmissions/{event_id}/resend").text


def test_failed_ones_of_a_time_are_counted_before_they_are_resent(visitor: Visitor, shop: Served) -> None:
    save(visitor, "http://127.0.0.1:9/orders")
    now = datetime.now(UTC)
    for age in (timedelta(hours=1), timedelta(hours=2), timedelta(days=3)):
        failed_transmission(shop, now - age)
    span = {"start": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}", "end": f"{now:%Y-%m-%dT%H:%M}"}
    query = "&".join(f"{name}={value}" for name, value in span.items())
    assert "2 failed transmissions in that period" in visitor.get(f"{PAGE}/resend-failed?{query}").text
    assert {row.state for row in shop.rows(TransmissionRow)} == {"failed"}
    assert "2 orders are being sent again." in visitor.post(f"{PAGE}/resend-failed", span).text
    assert sorted(row.state for row in shop.rows(TransmissionRow)) == ["failed", "open", "open"]
    assert "No transmissions failed in that period." in visitor.get(f"{PAGE}/resend-failed?{query}").text


def test_a_time_that_is_none_is_refused(visitor: Visitor) -> None:
    assert visitor.get(f"{PAGE}/resend-failed").status == 200
    assert visitor.get(f"{PAGE}/resend-failed?start=yesterday&end=").status == 422
    backwards = {"start": "2026-11-26T12:00", "end": "2026-11-25T12:00"}
    for page in (
        visitor.get(f"{PAGE}/resend-failed?{urlencode(backwards)}"),
        visitor.post(f"{PAGE}/resend-failed", backwards),
    ):
        assert (page.status, "The end must be after the start." in page.text) == (422, True)


def test_a_control_that_disabled_itself_says_why(visitor: Visitor, shop: Served) -> None:
    with serving(reply("410 Gone")) as server:
        save(visitor, server.url())
        with shop.kit.database.write() as session:
            record(session, an_order(), now=datetime.now(UTC))
        shop.kit.transmissions.run_next()
    page = visitor.get(PAGE)
    assert "Turned off automatically" in page.text


def version(page: Page) -> str:
    """Return the version that the form of the Order Controls carries."""
    found = re.search(r'name="version"[^>]*value="([^"]*)"', page.html)
    assert found
    return html.unescape(found[1])


def test_a_change_made_meanwhile_is_not_overwritten_unseen(visitor: Visitor, shop: Served) -> None:
    seen = version(visitor.get(PAGE))
    save(visitor, "http://127.0.0.1:9/mine", version=seen)
    page = save(visitor, "http://127.0.0.1:9/theirs", encoding="json", version=seen)
    assert (page.status, "Nothing was saved, because it was changed meanwhile" in page.text) == (409, True)
    assert "on, to http://127.0.0.1:9/mine, as form" in page.text
    assert 'value="http://127.0.0.1:9/theirs"' in page.html
    assert shop.kit.controls.read().url == "http://127.0.0.1:9/mine"
    assert save(visitor, "http://127.0.0.1:9/theirs", version=version(page)).status == 200
    assert shop.kit.controls.read().url == "http://127.0.0.1:9/theirs"


def test_of_tabs_that_save_at_the_same_moment_one_is_heard(visitor: Visitor, shop: Served) -> None:
    page = visitor.get(PAGE)
    fields = {"encoding": "form", "version": version(page)}
    urls = [f"http://127.0.0.1:9/{number}" for number in range(8)]
    with ThreadPoolExecutor(len(urls)) as tabs:
        answers = list(
            tabs.map(lambda url: visitor.post(PAGE, {**fields, "url": url}, token=page.token, follow=False), urls)
        )
    assert sorted(answer.status for answer in answers) == [303] + [409] * 7
    saved = [url for url, answer in zip(urls, answers, strict=True) if answer.status == 303]
    assert [shop.kit.controls.read().url] == saved


def test_a_second_press_of_save_changes_nothing_and_is_no_conflict(visitor: Visitor, shop: Served) -> None:
    seen = version(visitor.get(PAGE))
    save(visitor, "http://127.0.0.1:9/mine ", version=seen)
    before = shop.kit.controls.read()
    page = save(visitor, "http://127.0.0.1:9/mine ", version=seen)
    assert (page.status, "All Order Control changes saved." in page.text) == (200, True)
    assert secrets_on(page) == []
    assert shop.kit.controls.read() == before
    for change in ({"enabled": ""}, {"encoding": "json"}, {"sends_secret_field": "y"}):
        assert save(visitor, "http://127.0.0.1:9/mine", version=seen, **change).status == 409, change
    assert shop.kit.controls.read() == before


def test_a_long_name_of_nothing_is_named_in_short(visitor: Visitor) -> None:
    long = "z" * 3000
    for path in (
        f"{PAGE}/transmissions/{long}/resend",
        f"{PAGE}/revoke/{long}",
        f"/admin/settings/secrets/{long}/revoke",
    ):
        page = visitor.post(path)
        assert (page.status, "z" * 64 in page.text, "z" * 65 in page.text) == (404, True, False), path


@pytest.mark.parametrize("encoding", ["xml", ""])
def test_an_encoding_that_is_none_is_said(visitor: Visitor, shop: Served, encoding: str) -> None:
    page = save(visitor, "http://127.0.0.1:9/orders", encoding=encoding)
    assert page.status == 422
    assert re.search(r'role="alert">Nothing was saved: Choose form or JSON\.<', page.html)
    assert not shop.kit.controls.read().enabled


def test_a_wrong_url_is_announced(visitor: Visitor) -> None:
    assert re.search(r'role="alert">Nothing was saved: Enter the URL', save(visitor, "").html)


def test_what_is_not_there_is_not_found_and_the_newest_secret_is_not_revoked(visitor: Visitor, shop: Served) -> None:
    save(visitor, "http://127.0.0.1:9/orders")
    for path in ("revoke/cafecafe", "transmissions/evt_none/resend"):
        page = visitor.post(f"{PAGE}/{path}")
        assert (page.status, "Not Found" in page.text) == (404, True), path
    (newest,) = shop.kit.controls.read().secrets
    page = visitor.post(f"{PAGE}/revoke/{newest.fingerprint}")
    assert (page.status, "Rotate it instead" in page.text) == (409, True)
    assert shop.kit.controls.read().secrets == (newest,)
