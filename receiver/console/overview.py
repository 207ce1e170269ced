"""The first page: what is left to set up, what came in, what went wrong."""

from __future__ import annotations

from flask import render_template

from receiver.console.blueprint import console


@console.get("/")
def overview() -> str:
    """Show how the receiver is doing."""
    return render_template("console/overview.html")
