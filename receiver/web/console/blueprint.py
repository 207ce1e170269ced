"""What every page of the console stands on."""

from __future__ import annotations

from flask import Blueprint

console = Blueprint("console", __name__, url_prefix="/admin")
