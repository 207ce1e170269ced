"""Mail: what was written is found, shown as it looks, and sent again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.storage.models import MailRow
from tests.served import Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Visitor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_SCRIPT = "<script>alert(1)</script>"
_HOSTILE = f'<h1>Hello</h1>{_SCRIPT}<img src="https://evil.example/pixel"><form action="https://evil.example/"></form>'


def write(kit: Kit, **changes: Any) -> int:
    """Put a mail into the outbox that is not due for a year, and give its id."""
    values: dict[str, Any] = {
        "message_id": f"<{changes.pop('number', 1)}@shop.example>",
        "recipient": "ada@shop.example",
        "subject": "Your order A-1",
        "text": "Thank you.",
    }
    state, test = changes.pop("state", "open"), changes.pop("test", False)
    draft = Draft(**values | changes)
    with kit.database.write() as session:
        outbox.add(session, draft, now=NOW, test=test)
        session.flush()
        later = datetime.now(UTC) + timedelta(days=365)
        row = session.query(MailRow).filter_by(message_id=draft.message_id).one()
        row.state, row.due_at = state, later
        return row.id


def subjects(visitor: Visitor, query: str = "") -> list[str]:
    """Return the subjects that a list shows, in its order."""
    return re.findall(r'href="/admin/mail/[0-9]+">([^<]+)</a>', visitor.get(f"/admin/mail{query}").html)


def test_an_empty_list_says_how_to_have_one_written(visitor: Visitor) -> None:
    text = visitor.get("/admin/mail").text
    assert "No emails yet" in text
    assert "flask selftest" in text


def test_without_a_mail_server_the_folder_is_named(instance: Path, shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit)
    for path in ("/admin/mail", f"/admin/mail/{mail}"):
        text = visitor.get(path).text
        assert "MAIL_SERVER isn't set" in text
        assert str(instance / "outbox") in text


def test_with_a_mail_server_nothing_is_said_of_a_folder(serve: Callable[..., Served]) -> None:
    visitor = Visitor(serve(MAIL_SERVER="smtp.laden.de").base)
    visitor.sign_in()
    assert "outbox" not in visitor.get("/admin/mail").text


def test_the_mails_of_an_order_lead_to_it(shop: Served, visitor: Visitor) -> None:
    receipt = shop.post(order_fields(order_id="A-17")).content["receipt"]
    shop.settled()
    page = visitor.get("/admin/mail")
    assert "ada@shop.example" in page.text
    assert "email_customer" in page.text
    assert f'href="/admin/orders/{receipt}"' in page.html
    path = re.findall(r'"(/admin/mail/[0-9]+)"', page.html)[-1]
    assert f'href="/admin/orders/{receipt}"' in visitor.get(path).html


def test_a_filter_shows_a_state_or_the_tests_alone(shop: Served, visitor: Visitor) -> None:
    write(shop.kit, number=1, subject="one", state="sent")
    write(shop.kit, number=2, subject="two", state="failed")
    write(shop.kit, number=3, subject="three", test=True)
    assert subjects(visitor) == ["two", "one"]
    assert subjects(visitor, "?state=failed") == ["two"]
    assert subjects(visitor, "?tests=yes") == ["three"]
    assert subjects(visitor, "?state=nonsense") == ["two", "one"]
    assert "No emails here are open." in visitor.get("/admin/mail?state=open").text


def test_emails_are_searched_by_what_is_on_their_order(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="A-1", order_number="2117", customer_last_name="Müller"))
    shop.post(order_fields(order_id="A-2", customer_email="zoe@shop.example"))
    shop.settled()
    write(shop.kit, subject="Parked: 2117 things", recipient="Owner@laden.de")
    assert len(subjects(visitor)) == 5
    for words, count in (("muller", 2), ("2117", 3), ("owner@LADEN", 1), ("zoe@shop", 2), ("nobody", 0), ("%", 0)):
        assert len(subjects(visitor, f"?{urlencode({'q': words})}")) == count, words
    assert subjects(visitor, "?q=2117&state=failed") == []
    assert "All emails" in visitor.get("/admin/mail?q=nobody").text


def test_a_long_list_is_read_in_pages(shop: Served, visitor: Visitor) -> None:
    for number in range(1, 52):
        write(shop.kit, number=number, subject=f"Mail {number}")
    page = visitor.get("/admin/mail")
    link = re.search(r'href="/admin/mail(\?[^"]*)" rel="next"', page.html)
    assert link
    assert len(subjects(visitor)) == 50
    assert subjects(visitor, link[1]) == ["Mail 1"]


def test_a_mail_is_shown_with_text_headers_and_attachments(shop: Served, visitor: Visitor) -> None:
    mail = write(
        shop.kit,
        text="Dear Ada,\nthank you.",
        reply_to="merchant@laden.de",
        attachments=[("invoice.pdf", "application/pdf", b"%PDF")],
    )
    text = visitor.get(f"/admin/mail/{mail}").text
    for words in (
        *("Your order A-1", "Example Shop <shop@example.com>", "ada@shop.example", "merchant@laden.de"),
        *("<1@shop.example>", "Dear Ada, thank you.", "invoice.pdf application/pdf, 4 bytes", "Next attempt"),
    ):
        assert words in text, words
    assert "Preview" not in text
    assert visitor.get(f"/admin/mail/{mail}/preview").status == 404


@pytest.mark.parametrize("mail", ["999", "9" * 40])
def test_an_unknown_mail_is_said_in_plain_words(visitor: Visitor, mail: str) -> None:
    for page in (
        visitor.get(f"/admin/mail/{mail}"),
        visitor.get(f"/admin/mail/{mail}/preview"),
        visitor.post(f"/admin/mail/{mail}/resend"),
    ):
        assert page.status == 404
        assert "No email has the id" in page.text


def test_the_preview_is_locked_up(shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit, html=_HOSTILE)
    preview = visitor.get(f"/admin/mail/{mail}/preview")
    policy = preview.headers["Content-Security-Policy"]
    assert preview.html == _HOSTILE
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert preview.headers["Cache-Control"] == "no-store"
    assert _SCRIPT not in visitor.get(f"/admin/mail/{mail}").html


def test_the_preview_may_fetch_the_shops_logo_and_nothing_else(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, MAIL_LOGO_URL="https://laden.de/logo.png")
    visitor = Visitor(shop.base)
    visitor.sign_in()
    policy = visitor.get(f"/admin/mail/{write(shop.kit, html='<p>Hello</p>')}/preview").headers[
        "Content-Security-Policy"
    ]
    assert "img-src 'self' data: https://laden.de/logo.png;" in policy


def test_a_hostile_preview_runs_nothing_and_calls_nobody(shop: Served, browse: Callable[..., Browsing]) -> None:
    mail = write(shop.kit, html="<h1>Hello</h1><script>document.body.textContent = 'ran'</script>")
    person = browse(shop.base)
    called: list[str] = []
    person.page.on("request", lambda request: called.append(request.url))
    person.page.on("dialog", lambda dialog: called.append(dialog.message))
    person.sign_in()
    for path in (f"/admin/mail/{mail}", f"/admin/mail/{mail}/preview"):
        person.open(path)
        frame = person.page.frames[-1]
        frame.wait_for_load_state()
        assert frame.locator("body").inner_text() == "Hello"
    assert [url for url in called if not url.startswith(shop.base)] == []
    person.faults.clear()  # that the browser refused to run the script is what was wanted


def test_hostile_words_stay_words(shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit, subject=_SCRIPT, text=f"{_SCRIPT}\u202egnp.evil", recipient=_SCRIPT)
    for path in ("/admin/mail", f"/admin/mail/{mail}"):
        assert _SCRIPT not in visitor.get(path).html
        assert _SCRIPT in visitor.get(path).text


def test_a_mail_without_a_subject_can_be_opened(shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit, subject="")
    assert subjects(visitor) == ["(no subject)"]
    assert "(no subject)" in visitor.get(f"/admin/mail/{mail}").text


def test_a_failed_mail_shows_why_and_is_sent_now(instance: Path, shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit, state="failed")
    with shop.kit.database.write() as session:
        session.execute(update(MailRow).values(detail="smtp.laden.de refuses the login.", attempts=9))
    assert "Last error smtp.laden.de refuses the login." in visitor.get(f"/admin/mail/{mail}").text
    assert "smtp.laden.de refuses the login." in visitor.get("/admin/mail").text
    page = visitor.post(f"/admin/mail/{mail}/resend")
    assert "It's being sent again." in page.text
    shop.settled()
    assert len(list((instance / "outbox").glob("*.eml"))) == 1


def test_a_failed_mail_is_sent_to_another_address(shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit, state="failed", recipient="merchant@example.com")
    assert "Different address" in visitor.get(f"/admin/mail/{mail}").text
    assert "is not one plain email address" in visitor.post(f"/admin/mail/{mail}/resend", {"to": "owner"}).text
    page = visitor.post(f"/admin/mail/{mail}/resend", {"to": "owner@laden.de"})
    assert "It's being sent again." in page.text
    shop.settled()
    assert "To owner@laden.de" in visitor.get(f"/admin/mail/{mail}").text
    assert "Different address" not in visitor.get(f"/admin/mail/{mail}").text


def test_a_sent_mail_goes_out_once_more_under_its_message_id(instance: Path, shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit)
    for times in (1, 2):
        page = visitor.post(f"/admin/mail/{mail}/resend")
        shop.settled()
        files = list((instance / "outbox").glob("*.eml"))
        assert len(files) == times
    assert "being sent again with the same Message-ID" in page.text
    assert all(b"Message-ID: <1@shop.example>" in file.read_bytes() for file in files)
    assert "Result" in visitor.get(f"/admin/mail/{mail}").text


def test_a_mail_that_is_under_way_is_left_alone(shop: Served, visitor: Visitor) -> None:
    mail = write(shop.kit)
    with shop.kit.database.write() as session:
        session.execute(update(MailRow).values(lease_until=datetime.now(UTC) + timedelta(minutes=1)))
    assert "is being sent right now" in visitor.post(f"/admin/mail/{mail}/resend").text


def test_the_pages_suit_everybody(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, reduced_motion="reduce")
    person.sign_in()
    person.open("/admin/mail")
    wrong = person.look()
    shop.post(order_fields())
    shop.settled()
    long = write(shop.kit, subject="S" * 500, recipient=f"{'a' * 60}@{'b' * 60}.example", text="T" * 500)
    for path in ("", "/1", f"/{long}"):
        person.open(f"/admin/mail{path}")
        wrong += person.look()
    assert wrong == []
