"""What the merchant is told of registrations: that customers could not be made known to the website."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import milliseconds


def _newest_failed(session: Session) -> int:
    newest = session.scalar(select(func.max(RegistrationRow.changed_at)).where(RegistrationRow.state == "failed"))
    return milliseconds(newest) if newest else 0


FAILED = Trouble(
    kind="registration_failed",
    newest=_newest_failed,
    headline="A customer couldn't be registered on your website",
    lines=(
        "It failed on every attempt. The order is safe, and the customer is stored here.",
        "See what's wrong with: flask doctor",
        "Once it's fixed, register everyone who's missing with: flask customers register --all",
    ),
)
