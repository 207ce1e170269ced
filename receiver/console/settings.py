"""The settings in force, the receiver's secrets, and the password."""

from __future__ import annotations

from flask import render_template

from receiver.console.blueprint import console


@console.get("/settings")
def settings() -> str:
    """Show the settings."""
    return render_template("console/settings.html")
