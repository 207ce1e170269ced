"""Whether the process is alive, and whether it can take an order now."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from receiver.web import kit

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that the process is alive."""
    return {"status": "alive"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether the settings are right and an order could be stored; 503 otherwise."""
    kit.obstacles.check()
    kit.readiness.check()
    return {"status": "ready"}
