"""Whether the process is alive, and whether it can take an order now."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, false

from receiver.errors import Unavailable
from receiver.kit import current_kit
from receiver.models import NoticeRow

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process answers."""
    return {"status": "alive"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say whether the settings are right and a write transaction can be opened; 503 otherwise."""
    kit = current_kit()
    if kit.problems:
        raise Unavailable("The receiver's settings are wrong; its log and `flask doctor` say which.")
    with kit.database.write(patience=1) as session:
        session.execute(delete(NoticeRow).where(false()))  # changes nothing, and fails where the file is read-only
    return {"status": "ready"}
