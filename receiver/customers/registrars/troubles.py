"""What the merchant is told of registrations: that customers could not be made known to the website."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.storage.columns import milliseconds
from receiver.storage.registration_models import RegistrationRow


def _newest_failed(session: Session) -> int:
    newest = session.scalar(select(func.max(RegistrationRow.changed_at)).where(RegistrationRow.state == "failed"))
    return milliseconds(newest) if newest else 0


FAILED = Trouble(
    kind="registration_failed",
    newest=_newest_failed,
    headline="A customer could not be registered with your website",
    lines=(
        "It failed at every attempt; the order itself is safe, and the customer is known here.",
        "See what is wrong with: flask doctor",
        "When that is mended, hand over all who are missing with: flask customers register --all",
    ),
)
