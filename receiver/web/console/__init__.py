"""The administration console, one file per menu page."""

from __future__ import annotations

from importlib import import_module

from flask import Flask, redirect, url_for

from receiver.app.components import Kit
from receiver.web import guard
from receiver.web.console import presentation
from receiver.web.console.blueprint import console

#: The files with pages; each puts its own on the blueprint.
PAGES = (
    "overview",
    "customers",
    "order_manager",
    "order_secret",
    "order_transmissions",
    "orders",
    "parked",
    "chunked_forms",
    "map_parameters",
    "refused",
    "mail",
    "handlers",
    "settings",
    "set_up",
    "order_guide",
    "help",
    "sign_in",
    "error_pages",
)


def init_app(app: Flask) -> None:
    """Add the console to the app."""
    kit: Kit = app.extensions["receiver"]
    for name in PAGES:
        import_module(f"{__name__}.{name}")
    guard.init_app(app, kit)
    presentation.init_app(app, kit)
    app.register_blueprint(console)
    app.add_url_rule("/", "home", lambda: redirect(url_for("console.overview")), methods=["GET"])
