"""The receiver with one empty route beside it, so that both are measured on the same server."""

from __future__ import annotations

from receiver import create_app
from receiver.app import serving

app = create_app()


@app.post("/empty")
def empty() -> str:
    """Answer without doing anything."""
    return ""


kit = app.extensions["receiver"]
serving.start(kit, work=kit.settings.EMBEDDED_WORKER)
