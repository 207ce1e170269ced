"""The conditions of the refusals and of the failed emails that the merchant gets an alert about."""

from __future__ import annotations

from sqlalchemy import exists

from receiver.storage.models import MailRow, OrderRow, RefusalRow

HAD_WRONG_SECRET = (
    RefusalRow.reason.in_(
        ("unknown_secret", "unknown_secret_of_source", "secret_of_another_url", "retired_secret", "body_changed")
    ),
    # Before the first good POST, both sides are still being set up.
    exists().where(OrderRow.received_at < RefusalRow.at, OrderRow.test.is_(False)),
)
HAD_CARD_DATA = (RefusalRow.reason == "card_data",)
# One of these alerts that fails causes no other: it's of no handler.
MAIL_HAS_FAILED = (
    MailRow.state == "failed",
    MailRow.test.is_(False),
    MailRow.order_pk.is_not(None),
    MailRow.handler.is_not(None),
)
