"""Answers to a form: its page again while it can't be taken, or else the next page with a message."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response


def not_taken(form: FlaskForm) -> int | None:
    """Return the status of a form's page: 200 before it's sent, 422 if it has errors; None once it's valid."""
    if form.validate_on_submit():
        return None
    return 422 if form.errors else 200


def next_page(endpoint: str, message: str, tone: str = "message", **values: Any) -> Response:
    """Redirect to a page that shows a message; ``values`` are those of its address.

    The status is 303 See Other (RFC 9110, section 15.4.4), so reloading that page doesn't send the form again.
    """
    flash(message, tone)
    return redirect(url_for(endpoint, **values), 303)
