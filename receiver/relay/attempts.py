"""One attempt of one transmission: made, whatever goes wrong, and written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from urllib3 import PoolManager

from receiver.orders import Order
from receiver.relay.controls import Control
from receiver.relay.sender import Answer, Outcome, post
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow

#: The field that carries the secret itself for merchants who check it by hand.
SECRET_FIELD = "shared_secret"  # noqa: S105 - a field's name, no secret
_NOTHING_SIGNS = Answer(
    outcome=Outcome.RETRY,
    kind="secret",
    cause="No shared secret can be read: SECRET_KEY is not the one that it was stored under.",
    next_step="Put instance/secret_key back from a backup, or rotate the secret and copy it to the receiver.",
)
_NOTHING_FORWARDS = Answer(
    outcome=Outcome.RETRY,
    kind="secret",
    cause="FORWARD_SECRET is empty, so that nothing signs what handlers forward.",
    next_step="Set FORWARD_SECRET to the secret that the other server checks, and restart.",
)


def attempt(
    row: TransmissionRow, control: Control, secrets: Sequence[str], *, pool: PoolManager, now: datetime
) -> Answer:
    """Send a transmission once; an order that cannot be sent is an Answer too."""
    if not secrets:
        return _NOTHING_FORWARDS if row.target else _NOTHING_SIGNS
    try:
        return post(
            control.url,
            secrets,
            Order.model_validate_json(row.order),
            pool=pool,
            encoding=control.encoding,
            secret_field=SECRET_FIELD if control.sends_secret_field else None,
            now=now,
        )
    except ValueError:
        return Answer(
            outcome=Outcome.REJECTED,
            kind="order",
            cause="The order cannot be encoded or signed as it was handed over.",
            next_step="Hand it over again as a valid Order with an event_id of visible ASCII without a full stop.",
        )
    except Exception as error:  # noqa: BLE001 - what nobody foresaw must not be tried every 30 s for ever
        return Answer(
            outcome=Outcome.RETRY,
            kind="unforeseen",
            cause=f"It could not be sent: {type(error).__name__}.",
            next_step="Nothing to do at first; if it lasts, report it with this text.",
        )


def write_down(session: Session, row: TransmissionRow, control: Control, answer: Answer, *, at: datetime) -> None:
    """Keep what was sent where, and what came back."""
    mine = select(func.count()).where(TransmissionAttemptRow.transmission_pk == row.id)
    session.add(
        TransmissionAttemptRow(
            transmission_pk=row.id,
            number=1 + (session.scalar(mine) or 0),
            at=at,
            url=control.url,
            encoding=control.encoding,
            outcome=answer.outcome,
            kind=answer.kind,
            cause=answer.cause,
            next_step=answer.next_step,
            milliseconds=answer.milliseconds,
            headers_sent=json.dumps(dict(answer.headers_sent)),
            status=answer.status,
            body=answer.body.decode("utf-8", "replace").replace("\0", "\ufffd"),
            content_type=answer.content_type,
            address=answer.address,
            tls=answer.tls,
        )
    )
