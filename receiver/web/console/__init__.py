"""The administration console: each module here puts its pages on the blueprint, mostly one file per menu page."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask, redirect, url_for

from receiver.app.components import Kit
from receiver.web import guard
from receiver.web.console import presentation
from receiver.web.console.blueprint import console


def init_app(app: Flask) -> None:
    """Add the console to the app."""
    kit: Kit = app.extensions["receiver"]
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    guard.init_app(app, kit)
    presentation.init_app(app, kit)
    app.register_blueprint(console)
    app.add_url_rule("/", "home", lambda: redirect(url_for("console.overview")), methods=["GET"])
