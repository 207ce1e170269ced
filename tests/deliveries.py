"""What the tests of delivery share: a mail, the settings of a local server, a delivery that has to fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.mail.message import Draft, MailNotDelivered
from receiver.mail.transport import MailTransport
from receiver.settings.model import Settings
from tests.smtp_servers import HOST

#: Parts of addresses, passwords and answers that no message may repeat.
PRIVATE_WORDS = ("zoe.mueller", "kunde.de", "right", "wrong", "owner")


def a_mail(**changes: Any) -> Draft:
    """Make a mail to a customer."""
    values: dict[str, Any] = {
        "message_id": "<0123456789abcdef@laden.de>",
        "recipient": "zoe.mueller@kunde.de",
        "subject": "Your order 1042",
        "text": "Grüße\n.\nLast line\n",
        "html": "<p>Grüße</p>",
        "reply_to": "merchant@laden.de",
    }
    return Draft(**values | changes)


def settings(port: int, **changes: Any) -> dict[str, Any]:
    """Make the settings of a server on this machine."""
    values = {
        "MAIL_SERVER": HOST,
        "MAIL_PORT": port,
        "MAIL_USE_TLS": False,
        "MAIL_USE_SSL": False,
        "MAIL_USERNAME": "",
        "MAIL_PASSWORD": "",
        "SHOP_NAME": "Zoë's Corner Shop",
        "MAIL_DEFAULT_SENDER": "shop@laden.de",
    }
    return values | changes


def failure_of(server: dict[str, Any], mail: Draft | None = None) -> MailNotDelivered:
    """Give the error that a delivery ends in, which says nothing private."""
    transport = MailTransport(Settings(**server), Path("/nonexistent"))
    with pytest.raises(MailNotDelivered) as caught:
        transport.deliver(mail or a_mail())
    transport.close()
    assert not any(word in str(caught.value) for word in PRIVATE_WORDS)
    return caught.value
