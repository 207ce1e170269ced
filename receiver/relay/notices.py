"""What the merchant is told of the relay: orders that do not arrive, that were given up, and being disabled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.relay import control_state
from receiver.relay.sender import Outcome
from receiver.storage.columns import milliseconds
from receiver.storage.relay_models import ControlRow, TransmissionAttemptRow, TransmissionRow

#: How long an order that was given up stands as a trouble; it stays in the list of transmissions.
_GIVEN_UP_STANDS = timedelta(days=7)
_WHERE = "See each attempt under Customer → Order Manager, or with: flask relay transmissions"


def standing(session: Session) -> list[Trouble]:
    """Return the troubles that are there now; test transmissions make none."""
    control = control_state.read_row(session)
    of_control = (_disabled(control), _failing(session, control)) if control else ()
    found = (*of_control, _given_up(session))
    return [trouble for trouble in found if trouble is not None]


def _disabled(control: ControlRow) -> Trouble | None:
    if control.disabled_because is None:
        return None
    return Trouble.found(
        "relay_disabled",
        milliseconds(control.changed_at),
        "Orders are no longer sent to your server",
        control.disabled_because,
        "New orders are held. None are lost.",
        "Once it's fixed, turn HTTP POST on under Customer → Order Manager, or with: flask relay enable URL",
    )


def _failing(session: Session, control: ControlRow) -> Trouble | None:
    """Return the notice about the last kind of failure, while nothing arrives."""
    if control.failing_since is None or not control.enabled or not _is_any_open(session):
        return None
    live = (
        select(TransmissionAttemptRow)
        .join(TransmissionRow)
        .where(TransmissionRow.test.is_(False), TransmissionRow.target == "")
    )
    last = session.scalar(live.order_by(TransmissionAttemptRow.id.desc()).limit(1))
    if last is None or last.outcome != Outcome.RETRY:
        return None
    return Trouble.found(
        f"transmission_{last.kind}",
        last.id,
        "An order didn't reach your server",
        last.cause,
        last.next_step,
        f"It's retried automatically for more than three days. {_WHERE}",
    )


def _is_any_open(session: Session) -> bool:
    """Return whether an order is on its way to the control's URL."""
    live = TransmissionRow.test.is_(False), TransmissionRow.target == ""
    return session.scalar(select(TransmissionRow.id).where(TransmissionRow.state == "open", *live).limit(1)) is not None


def _given_up(session: Session) -> Trouble | None:
    failed = select(TransmissionRow).where(TransmissionRow.state == "failed", TransmissionRow.test.is_(False))
    last = session.scalar(failed.order_by(TransmissionRow.settled_at.desc()).limit(1))
    if last is None or (settled_at := last.settled_at) is None:
        return None
    trouble = Trouble.found(
        "transmission_given_up",
        milliseconds(settled_at),
        "An order couldn't be delivered to your server",
        f"Order {last.order_id}{f', forwarded to {last.target}' if last.target else ''}: {last.detail}",
        "It won't be retried automatically. Once it's fixed, resend it under Customer → Order Manager.",
        _WHERE,
    )
    return replace(trouble, stands=lambda _session, now: now - settled_at < _GIVEN_UP_STANDS)
