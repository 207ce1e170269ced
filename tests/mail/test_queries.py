"""The list of emails in the outbox, and sending one again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.mail import outbox, queries
from receiver.storage.models import MailRow
from tests.storage.test_order_queries import store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def put(kit: Kit, number: int, **changes: Any) -> None:
    """Put a mail into the database as its row."""
    values: dict[str, Any] = {
        "id": number,
        "state": "sent",
        "test": False,
        "message_id": f"<{number}@shop.example>",
        "recipient": "ada@shop.example",
        "subject": f"Mail {number}",
        "text": "Thank you.",
        "attachments": "[]",
        "attempts": 1,
        "created_at": NOW,
        "sent_at": NOW,
    }
    with kit.database.write() as session:
        session.add(MailRow(**values | changes))


def resend(kit: Kit, number: int, *, to: str | None = None) -> tuple[str, MailRow]:
    """Send an email again; return the answer and the row afterwards."""
    with kit.database.write() as session:
        said = queries.resend(session, number, now=NOW, to=to)
    with kit.database.read() as session:
        return said, queries.find(session, number)


def test_a_page_gives_the_newest_first_and_ends_after_fifty(kit: Kit) -> None:
    for number in range(1, 52):
        put(kit, number, state="failed" if number == 7 else "sent")
    with kit.database.read() as session:
        assert [row["id"] for row in queries.page(session)] == list(range(51, 1, -1))
        assert [row["id"] for row in queries.page(session, state="failed")] == [7]


def test_a_line_of_a_page(kit: Kit) -> None:
    store(kit, 1)
    put(kit, 1, order_pk=1, handler="email_customer", detail="handed to smtp.laden.de")
    with kit.database.read() as session:
        assert queries.page(session) == [
            {
                "id": 1,
                "to": "ada@shop.example",
                "subject": "Mail 1",
                "state": "sent",
                "test": False,
                "receipt": "rcp_00000001",
                "handler": "email_customer",
                "attempts": 1,
                "created_at": "2026-11-24T12:00:00+00:00",
                "detail": "handed to smtp.laden.de",
            }
        ]


def test_attachments_have_a_name_a_type_and_content(kit: Kit) -> None:
    put(kit, 1, attachments='[["invoice.pdf", "application/pdf", "JVBERg=="]]')
    with kit.database.read() as session:
        found = outbox.attachments_of(queries.find(session, 1))
    assert found == (("invoice.pdf", "application/pdf", b"%PDF"),)


@pytest.mark.parametrize("number", [2, 0, 10**40])
def test_an_unknown_id_is_refused(kit: Kit, number: int) -> None:
    put(kit, 1)
    with kit.database.read() as session, pytest.raises(ConfigurationError, match="see `flask mail list`"):
        queries.find(session, number)


def test_a_failed_mail_begins_its_schedule_again_and_keeps_its_last_error(kit: Kit) -> None:
    put(kit, 1, state="failed", attempts=9, detail="The server is away.")
    said, row = resend(kit, 1)
    assert said == "It's being sent again."
    assert (row.state, row.attempts, row.due_at, row.detail) == ("open", 0, NOW, "The server is away.")


def test_a_mail_to_a_wrong_address_is_sent_to_a_right_one(kit: Kit) -> None:
    put(kit, 1, state="failed", recipient="merchant@example.com")
    assert resend(kit, 1, to="owner@laden.de")[1].recipient == "owner@laden.de"
    assert resend(kit, 1)[1].recipient == "owner@laden.de"


@pytest.mark.parametrize("address", ["", "two@laden.de, three@laden.de", "x", "a@laden.de\r\nBcc: b@laden.de"])
def test_a_mail_is_sent_to_no_second_wrong_address(kit: Kit, address: str) -> None:
    put(kit, 1, state="failed")
    with pytest.raises(ConfigurationError, match="new address is not one plain email address"):
        resend(kit, 1, to=address)


def test_an_open_mail_is_due_now(kit: Kit) -> None:
    put(kit, 1, state="open", due_at=NOW + timedelta(hours=10))
    assert resend(kit, 1)[1].due_at == NOW


def test_a_sent_mail_keeps_its_message_id(kit: Kit) -> None:
    put(kit, 1, detail="handed to smtp.laden.de")
    said, row = resend(kit, 1)
    assert "with the same Message-ID" in said
    assert (row.state, row.message_id, row.detail) == ("open", "<1@shop.example>", None)


@pytest.mark.parametrize("seconds", [1, -7200])
def test_a_mail_that_is_being_sent_is_left_alone_whatever_the_clock_says(kit: Kit, seconds: int) -> None:
    put(kit, 1, state="open", lease_token="x", lease_until=NOW + timedelta(seconds=seconds))
    with pytest.raises(ConfigurationError, match="is being sent right now"):
        resend(kit, 1)
