"""The relay's alerts to the merchant: orders that don't arrive, that have failed, and sending that was disabled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.relay import control_state
from receiver.relay.failures import Outcome
from receiver.storage.columns import milliseconds
from receiver.storage.relay_models import ControlRow, TransmissionAttemptRow, TransmissionRow

#: How long a failed order counts as a problem. It stays in the list of transmissions.
_FAILED_STANDS = timedelta(days=7)
_WHERE = "See each attempt under Customer → Order Manager, or with: flask relay transmissions"
#: Orders for the Order Controls' URL: no tests, and nothing that a handler forwards.
_OWN = TransmissionRow.test.is_(False), TransmissionRow.target == ""


def standing(session: Session) -> list[Trouble]:
    """Return the problems that exist now."""
    control = control_state.read_row(session)
    return [*(_of_control(session, control) if control else ()), *_failed(session)]


def _of_control(session: Session, control: ControlRow) -> Iterator[Trouble]:
    if control.disabled_because is not None:
        yield Trouble.found(
            "relay_disabled",
            milliseconds(control.changed_at),
            "Orders are no longer sent to your server",
            control.disabled_because,
            "New orders are held. None are lost.",
            "Once it's fixed, turn HTTP POST on under Customer → Order Manager, or with: flask relay enable URL",
        )
    is_open = select(TransmissionRow.id).where(TransmissionRow.state == "open", *_OWN).limit(1)
    if control.failing_since is None or not control.enabled or session.scalar(is_open) is None:
        return
    attempts = select(TransmissionAttemptRow).join(TransmissionRow).where(*_OWN)
    last = session.scalar(attempts.order_by(TransmissionAttemptRow.id.desc()).limit(1))
    if last is not None and last.outcome == Outcome.RETRY:
        yield Trouble.found(
            f"transmission_{last.kind}",
            last.id,
            "An order didn't reach your server",
            last.cause,
            last.next_step,
            f"It's retried automatically for more than three days. {_WHERE}",
        )


def _failed(session: Session) -> Iterator[Trouble]:
    failed = select(TransmissionRow).where(TransmissionRow.state == "failed", TransmissionRow.test.is_(False))
    last = session.scalar(failed.order_by(TransmissionRow.settled_at.desc()).limit(1))
    if last is None or (settled_at := last.settled_at) is None:
        return
    yield Trouble.found(
        "transmission_given_up",
        milliseconds(settled_at),
        "An order couldn't be delivered to your server",
        f"Order {last.order_id}{f', forwarded to {last.target}' if last.target else ''}: {last.detail}",
        "It won't be retried automatically. Once it's fixed, resend it under Customer → Order Manager.",
        _WHERE,
        stands=lambda _session, now: now - settled_at < _FAILED_STANDS,
    )
