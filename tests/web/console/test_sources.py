"""Settings → Sources: what's there, adding a shop, its secrets, and removing it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.intake.authentication import IMPORTED
from receiver.security import signing
from receiver.storage.models import OrderRow, QuarantineRow, SecretRow
from tests.served import Served
from tests.sources.saving import SECRET, add, paid
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Page, Visitor

NEWER = "hush-9d4f7a8e6db0ff1e5e4c"
MARK = signing.fingerprint(SECRET)


def save(visitor: Visitor, kind: str = "shopify", name: str = "shop", secret: str = SECRET, **more: str) -> Page:
    return visitor.post(f"/admin/add-source?kind={kind}", {"name": name, "secret": secret, **more})


def test_a_shop_is_added_and_works_at_once(shop: Served, visitor: Visitor) -> None:
    assert visitor.get("/admin/add-source").text.count("signature over the body") >= 4
    form = visitor.get("/admin/add-source?kind=shopify")
    assert 'value="shopify"' in form.html
    assert "Paste the signing key that Shopify shows." in form.text
    page = save(visitor)
    assert "Added. shop takes what its shop sends from now on." in page.text
    assert f"{shop.kit.settings.PUBLIC_URL}/orders/shop" in page.text
    assert "Open Settings → Notifications → Webhooks" in page.text
    assert "waiting Nothing real has arrived yet." in page.text
    assert SECRET not in page.html
    assert paid(shop).content["status"] == "accepted"
    shop.settled()
    part = visitor.get("/admin/sources/shop/arrivals")
    assert "✓ connected The first real delivery has arrived." in part.text
    assert "rcp_00000001" in part.text
    assert "connected 1 30 Nov" in re.sub(r"\d+ \w+ 20\d\d", "30 Nov", visitor.get("/admin/sources").text)
    assert "data-refresh" not in visitor.get("/admin/sources/shop").html


def test_a_test_order_does_not_make_it_connected(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    paid(shop, test=True)
    page = visitor.get("/admin/sources/shop")
    assert "waiting Nothing real" in page.text
    assert 'data-refresh="/admin/sources/shop/arrivals"' in page.html


def test_other_settings_take_all_that_the_page_on_sources_lists(shop: Served, visitor: Visitor) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "sources.md").read_text("utf-8")
    example = re.search(r'kind = "woocommerce"\nsecrets = .*?\n(.*?)```', docs, re.DOTALL)
    assert example
    assert {line.partition(" ")[0] for line in example[1].splitlines()} == {"zone", "states", "addresses", "reply"}
    add(shop.kit)
    assert "Saved." in visitor.post("/admin/sources/shop/table", {"table": example[1]}).text
    assert "addresses = [" in visitor.get("/admin/sources/shop").html.replace("&#34;", '"')
    assert [str(one) for one in shop.kit.sources.get("shop").networks] == ["203.0.113.0/24"]


def test_imported_orders_do_not_make_it_connected(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    paid(shop)
    shop.settled()
    with shop.kit.database.write() as session:
        session.query(OrderRow).update({"proof": IMPORTED})
    page = visitor.get("/admin/sources/shop")
    assert "waiting Nothing real has arrived yet." in page.text
    assert "Orders 1" in page.text


def test_the_page_shows_the_sample_of_its_own_source_alone(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    add(shop.kit, "other")
    visitor.post("/admin/sources/shop/sample")
    with shop.kit.database.write() as session:
        session.query(OrderRow).update({"proof": "asked"})
    assert "done verified asked" in visitor.get("/admin/sources/shop?sample=rcp_00000001").text
    assert "Result of the sample" not in visitor.get("/admin/sources/other?sample=rcp_00000001").text


def test_a_secret_is_made_where_the_shop_takes_it_and_shown_once(shop: Served, visitor: Visitor) -> None:
    page = save(visitor, "woocommerce", secret="")
    (made,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page.html))
    assert "shown only once" in page.text
    assert made not in visitor.get("/admin/sources/shop").html
    assert shop.kit.sources.get("shop").secrets == (made,)
    renewed = visitor.post("/admin/sources/shop/secrets", {"secret": "", "overlap": "0"})
    (again,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", renewed.html))
    assert shop.kit.sources.get("shop").secrets == (again,)


def test_how_any_other_shop_signs_is_described_in_the_form(shop: Served, visitor: Visitor) -> None:
    fields = {"header": "X-Kiln", "digest": "sha512", "encoding": "base64"}
    assert save(visitor, "generic-hmac", **fields).status == 200
    scheme = shop.kit.sources.get("shop").scheme_of_table
    assert (scheme.header, scheme.digest, scheme.encoding) == ("X-Kiln", "sha512", "base64")  # type: ignore[union-attr]
    refused = save(visitor, "generic-hmac", "other", header="X Kiln", digest="md5", encoding="hex")
    assert refused.status == 422
    assert "A header's name has letters" in refused.text


def test_another_service_has_secrets_of_its_own(shop: Served, visitor: Visitor) -> None:
    assert "my-shop" in visitor.get("/admin/add-source?kind=").html
    assert save(visitor, "", "till").status == 200
    assert shop.kit.sources.get("till").secrets == (SECRET,)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "My Shop"}, "The name ends the address: use small letters"),
        ({"name": "shopintegrator"}, "There's a source shopintegrator already."),
        ({"secret": ""}, "Paste the secret that the shop shows."),
        ({"secret": "short"}, "at least 16 characters"),
        ({"secret": "x" * 8_001}, "Use at most 8,000 characters."),
    ],
)
def test_what_cannot_be_added_is_said_beside_its_field(
    shop: Served, visitor: Visitor, fields: dict[str, str], said: str
) -> None:
    page = save(visitor, **fields)
    assert page.status == 422
    assert said in page.text
    field = next(iter(fields))
    assert f'id="{field}-error"' in page.html
    assert [row for row in shop.rows(SecretRow) if row.source] == []


def test_only_kinds_that_are_there_can_be_chosen(visitor: Visitor) -> None:
    assert visitor.get("/admin/add-source?kind=nonsense").status == 404
    assert visitor.get("/admin/sources/nobody").status == 404
    assert visitor.get("/admin/sources/nobody/arrivals").status == 404


def test_a_secret_is_changed_with_an_overlap_and_revoked(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    for secret, said in (("", "Paste the secret"), ("short", "at least 16"), (SECRET, "active already")):
        page = visitor.post("/admin/sources/shop/secrets", {"secret": secret, "overlap": "24"})
        assert (page.status, said in page.text) == (422, True)
    assert visitor.post("/admin/sources/shop/secrets", {"secret": NEWER, "overlap": "x"}).status == 422
    page = visitor.post("/admin/sources/shop/secrets", {"secret": NEWER, "overlap": "24"})
    assert "is active now" in page.text
    assert [paid(shop, secret, id=number).status for number, secret in enumerate((SECRET, NEWER))] == [202, 202]
    page = visitor.post(f"/admin/sources/shop/secrets/{MARK}/revoke")
    assert f"Revoked {MARK}." in page.text
    assert re.search(rf"{MARK}.*?retired", page.text)
    assert [paid(shop, secret, id=number).status for number, secret in enumerate((SECRET, NEWER), 5)] == [401, 202]
    visitor.post(f"/admin/sources/shop/secrets/{signing.fingerprint(NEWER)}/revoke")
    page = visitor.get("/admin/sources/shop")
    assert "refuses all The source shop has no secret" in page.text
    assert "refuses all" in visitor.get("/admin/sources").text


def test_other_settings_are_written_as_in_the_file(shop: Served, visitor: Visitor) -> None:
    add(shop.kit, kind="ecwid-orders")
    page = visitor.post(
        "/admin/sources/shop/table", {"table": 'zone = "Europe/Berlin"\n[fields]\ncurrency = {value = "EUR"}'}
    )
    assert "Saved. It holds for the next order." in page.text
    assert "zone = &#34;Europe/Berlin&#34;" in page.html
    assert visitor.post("/admin/sources/shop/sample").text.count("20.0 EUR") == 1
    for table, said in (("kind = 3", "The kind stays"), ("x" * 20_001, "at most 20,000 characters")):
        page = visitor.post("/admin/sources/shop/table", {"table": table})
        assert (page.status, said in page.text) == (422, True)
        assert 'id="table-error"' in page.html
        assert '<a href="#other-settings">what' in page.html


def test_a_source_is_removed_and_its_orders_stay(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    assert paid(shop).status == 202
    page = visitor.post("/admin/sources/shop/remove")
    assert "Removed shop. Its orders stay" in page.text
    assert paid(shop, id=2).status == 404
    assert visitor.get("/admin/orders/rcp_00000001").status == 200
    assert visitor.post("/admin/sources/shop/remove").status == 404


def test_sources_of_the_file_are_shown_and_changed_there(
    instance: Path, serve: Callable[..., Served], visitor: Visitor
) -> None:
    (instance / "config.toml").write_text(
        f'[sources.shop]\nkind = "stripe"\nsecrets = ["{SECRET}"]\n'
        '[sources.bare]\nkind = "kofi"\n[sources.bad]\nkind = 3\n'
    )
    page = visitor.get("/admin/sources/shop")
    assert "Stripe Checkout stripe , in config.toml" in page.text
    assert MARK in page.text
    assert "change it there, in [sources.shop]" in page.text
    assert "Change the secret" not in page.text
    assert "None of its own." in visitor.get("/admin/sources/bare").text
    assert "[sources.bad] in config.toml: kind must be one of" in visitor.get("/admin/sources").text
    for change, fields in (("remove", {}), ("secrets", {"secret": NEWER, "overlap": "0"}), ("table", {"table": ""})):
        assert visitor.post(f"/admin/sources/shop/{change}", fields).status == 404
    assert "It takes the shared secrets of the receiver." in visitor.get("/admin/sources/shopintegrator").text


def test_what_is_parked_and_refused_is_linked(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    paid(shop, financial_status="nobody-knows-this")
    paid(shop, NEWER)
    shop.post({"order_id": "1"}, prove=False)
    shop.kit.refusals.flush()
    page = visitor.get("/admin/sources/shop")
    assert '<a href="/admin/parked/rcp_00000001/map">' in page.html
    assert "Refused 1: see why" in page.text
    shop.post({"Ref": "from the default source"})
    parked = visitor.get("/admin/parked?source=shop")
    assert "Only those from shop . All parked orders" in parked.text
    assert ("rcp_00000001" in parked.text, "rcp_00000002" in parked.text) == (True, False)
    refused = visitor.get("/admin/refused?source=shop")
    assert refused.text.count("to source shop") == 1
    assert "to source shopintegrator" not in refused.text
    assert "Only those to the source shop" in refused.text
    assert "No refused POSTs" in visitor.get("/admin/refused?source=nobody").text


def test_a_sample_is_sent_through_and_shown_step_by_step(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    assert "Result of the sample" not in visitor.get("/admin/sources/shop?sample=rcp_00000009").text
    page = visitor.post("/admin/sources/shop/sample")
    assert "The sample has arrived." in page.text
    assert "Result of the sample rcp_00000001 done verified by a signature with the secret" in page.text
    assert "done understood order" in page.text
    assert "24.00 EUR, ada@buyer.example, Mug" in page.text
    assert "handler email_customer" in page.text
    assert "waiting Nothing real has arrived yet." in page.text
    assert "None" not in page.text


def test_why_there_is_no_sample_or_it_was_refused_is_said(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "config.toml").write_text('[sources.bare]\nkind = "shopify"\n')
    shop = serve(REQUIRE_SIGNATURE=True)
    add(shop.kit, "tips", kind="kofi")
    person = Visitor(shop.base)
    person.sign_in()
    assert "There's no secret to sign a sample with." in person.get("/admin/sources/bare").text
    page = person.post("/admin/sources/tips/sample")
    assert "The sample was refused: REQUIRE_SIGNATURE is on" in page.text


def test_what_waits_until_its_shop_was_asked_is_counted(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    add(shop.kit, "pay", kind="mollie")
    person = Visitor(shop.base)
    person.sign_in()
    assert "In quarantine" not in person.get("/admin/sources/pay").text
    assert shop.post({"id": "tr_WDqYK6vllg"}, path="/orders/pay", prove=False).status == 200
    page = person.get("/admin/sources/pay")
    assert "In quarantine 1, until the shop has been asked about it Parked" in page.text
    with shop.kit.database.write() as session:
        session.query(QuarantineRow).update({"detail": "api.mollie.com answered 503."})
    page = person.get("/admin/sources/pay")
    assert "In quarantine 1, until the shop has been asked about it. api.mollie.com answered 503." in page.text
    assert "Its shop is asked about each POST" in page.text
    assert "If nothing arrives:" in page.text


def test_a_source_that_cannot_be_used_says_why(shop: Served, visitor: Visitor) -> None:
    add(shop.kit)
    with shop.kit.database.write() as session:
        session.query(SecretRow).filter(SecretRow.source == "shop").update({"ciphertext": "x"})
    page = visitor.get("/admin/sources/shop")
    assert "can't be read with this SECRET_KEY" in page.text
    assert "unreadable" in page.text


def test_an_https_address_of_a_domain_is_reachable(serve: Callable[..., Served]) -> None:
    person = Visitor(serve(work=False).base)
    person.sign_in()
    assert "No shop can reach this address yet" in person.get("/admin/sources/shopintegrator").text


def test_nobody_else_adds_a_source(shop: Served, visitor: Visitor) -> None:
    stranger = Visitor(shop.base)
    assert stranger.get("/admin/sources", follow=False).status in {302, 303}
    assert (
        visitor.post("/admin/add-source?kind=shopify", {"name": "shop", "secret": SECRET}, token="wrong").status == 400
    )
    assert shop.kit.sources.find("shop") is None


def test_in_a_browser_a_shop_is_added_and_its_first_order_seen(shop: Served, browse: Callable[..., Browsing]) -> None:
    browsing = browse(shop.base)
    browsing.sign_in()
    page = browsing.page
    page.locator("summary", has_text="Settings").click()
    page.get_by_role("link", name="Sources").click()
    wrong = browsing.look()
    page.get_by_role("link", name="Add a shop").first.click()
    wrong += browsing.look()
    page.get_by_role("link", name="Shopify").click()
    page.get_by_label("Name").fill("Shop!")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Add the source").click()
    wrong += browsing.look()
    page.get_by_label("Name").fill("shop")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Add the source").click()
    page.get_by_text("Nothing real has arrived yet").wait_for()
    page.get_by_role("button", name="Send a sample").click()
    page.get_by_text("Result of the sample").wait_for()
    wrong += browsing.look()
    page.get_by_label("As in config.toml").fill('zone = "Mars"')
    page.get_by_role("button", name="Save these settings").click()
    page.get_by_text("zone must be a name").wait_for()
    wrong += browsing.look()
    page.get_by_label("As in config.toml").fill('zone = "Europe/Berlin"')
    page.get_by_role("button", name="Save these settings").click()
    page.get_by_text("It holds for the next order.").wait_for()
    assert paid(shop).status == 202
    page.get_by_text("The first real delivery has arrived").wait_for()
    wrong += browsing.look()
    assert wrong == []


def test_without_javascript_a_shop_is_added_too(shop: Served, browse: Callable[..., Browsing]) -> None:
    browsing = browse(shop.base, java_script_enabled=False)
    browsing.sign_in()
    browsing.open("/admin/add-source?kind=lemonsqueezy")
    browsing.page.get_by_role("button", name="Add the source").click()
    assert browsing.page.get_by_role("group", name="New secret").inner_text().startswith("whsec_")
    assert (
        browsing.page.get_by_role("group", name="Address of the source").inner_text().endswith("/orders/lemonsqueezy")
    )
    assert browsing.page.get_by_role("button", name="Copy").count() == 0
