"""The app with less patience for a body that stalls."""

from __future__ import annotations

from receiver.app import body_deadlines
from wsgi import app

__all__ = ["app"]

body_deadlines.BODY_SECONDS = 0.5
