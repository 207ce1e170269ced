"""The app with less patience for a body that stalls, and for another process that is silent about its job."""

from __future__ import annotations

from datetime import timedelta

from receiver.app import body_deadlines
from receiver.storage import leases
from wsgi import app

__all__ = ["app"]

body_deadlines.BODY_SECONDS = 0.5
leases.LEASE = timedelta(seconds=3)  # type: ignore[attr-defined]
