"""Emails with hostile names, subjects and addresses, and what an SMTP server got of them."""

from __future__ import annotations

import email
import random
import tempfile
from email import policy
from email.message import Message
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import Envelope

from receiver.mail.message import Draft, MailNotDelivered, checked_address, one_line
from receiver.mail.transport import MailTransport
from receiver.orders.email_addresses import deliverable
from receiver.settings.model import Settings
from tests.deliveries import settings
from tests.fuzz.tally import Line
from tests.smtp_servers import Mailbox, smtp_server

ALWAYS = [
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "MIME-Version",
    "Content-Transfer-Encoding",
]
FRAGMENTS = (
    *("\r\n", "\n", "\r", "\x00", "\t", "\x0b", "\x1c", "\x85", "\u2028", "\ud800", "\u202e", " ", ",", ";", ":"),
    *("<", ">", "@", '"', "(", ")", "\\", "[", "]", ".", "..", "=?utf-8?q?=0ABcc=3A_c=40d.de?=", "=?", "?="),
    *("\r\nBcc: c@d.de", "\nTo: c@d.de", "\r\n\r\n<p>", "a@b.de", "<c@d.de>", "zoe", "Zoë", "日本", "x" * 300),
    *("%0d%0a", "{{7*7}}", "a@b.de,c@d.de", '"a b"@d.de', "laden.de", "xn--", "-", "_", "+tag", "é", "\u200f"),
    *("\r\n.\r\n", "\r\nRCPT TO:<c@d.de>\r\n", "> SIZE=1", "> ORCPT=rfc822;c@d.de", "c@d.de>\r\nDATA"),
)
#: The sender's name, which the merchant sets, is another one after so many mails.
_OF_ONE_SENDER = 50
_SENDER = "shop@laden.de"
_RIGHT = "zoe@kunde.de"


def lines(count: int, seed: int) -> list[Line]:
    """Deliver so many emails, and return the table's line."""
    delivered, refused = deliver(count, seed)
    what = "emails with hostile names, subjects, addresses: no header more, one recipient"
    return [Line(what, f"{count:,}", f"{delivered:,}", f"{refused:,}", "0")]


def deliver(count: int, seed: int) -> tuple[int, int]:
    """Deliver emails to a real server; return how many it got, each as it should, and how many were refused."""
    refused, mailbox = 0, Mailbox()
    with tempfile.TemporaryDirectory() as folder, smtp_server(mailbox) as port:
        for first in range(0, count, _OF_ONE_SENDER):
            chance = random.Random(f"{seed}:mails:{first}")
            # As if the settings hadn't checked it.
            shop = Settings(**settings(port)).model_copy(update={"SHOP_NAME": hostile(chance)})
            transport = MailTransport(shop, Path(folder))
            for number in range(first, min(first + _OF_ONE_SENDER, count)):
                refused += not _arrives(transport, mailbox, _draft(chance, number))
            transport.close()
    assert len(mailbox.mails) == count - refused
    return len(mailbox.mails), refused


def hostile(chance: random.Random) -> str:
    """Make a text of what separates, ends or begins something in an email."""
    return "".join(chance.choices(FRAGMENTS, k=chance.randint(0, 6)))


def _address(chance: random.Random) -> str:
    """Make an address that's hostile as a whole, or before its @, or after it."""
    text = hostile(chance)
    return chance.choice((text, f"{text}@kunde.de", f"zoe{text}@kunde.de", f"zoe@{text}kunde.de"))


def _draft(chance: random.Random, number: int) -> Draft:
    """Make an email; every other one has a right address, so that its other texts are seen too."""
    return Draft(
        message_id=f"<{number}@laden.de>",
        recipient=_RIGHT if number % 2 else _address(chance),
        subject=hostile(chance),
        text="text",
        reply_to=hostile(chance),
    )


def _arrives(transport: MailTransport, mailbox: Mailbox, draft: Draft) -> bool:
    """Deliver one email: it arrives as it should, or is refused for good, before the server hears of it."""
    before = mailbox.begun
    refusal = _refusal(transport, draft)
    if refusal is None:
        _judge(mailbox.mails[-1], draft)
        return True
    assert refusal.permanent
    assert draft.recipient not in str(refusal) or len(draft.recipient) < 3
    assert mailbox.begun == before
    return False


def _refusal(transport: MailTransport, draft: Draft) -> MailNotDelivered | None:
    try:
        transport.deliver(draft)
    except MailNotDelivered as error:
        return error
    return None


def _judge(envelope: Envelope, draft: Draft) -> None:
    recipient = checked_address(draft.recipient, "x", "y")
    assert (envelope.mail_from, envelope.rcpt_tos) == (_SENDER, [recipient])
    content = envelope.content
    assert isinstance(content, bytes)
    message: Message[Any, Any] = email.message_from_bytes(content, policy=policy.compat32)
    more = [*(["Subject"] if one_line(draft.subject) else []), *(["Reply-To"] if _is_address(draft.reply_to) else [])]
    assert sorted(message.keys()) == sorted([*ALWAYS, *more])
    assert [address for _name, address in getaddresses([message["From"]])] == [_SENDER]
    assert getaddresses([message["To"]]) == [("", recipient)]
    assert message["Message-ID"] == draft.message_id
    assert message.get_payload(decode=True) == b"text\r\n"


def _is_address(text: str | None) -> bool:
    try:
        return bool(deliverable(text or ""))
    except ValueError:
        return False
