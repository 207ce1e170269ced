"""Receives completed orders on the merchant's own server, writes each down exactly once and runs handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

#: Handlers written for an older release import some names from where they used to be.
__path__.append(f"{__path__[0]}/app/former")


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the app from defaults, ``instance/config.toml`` and environment, then ``overrides``.

    RECEIVER_INSTANCE_PATH moves the instance folder. Builds and never refuses: it starts no thread and touches
    no database. What is wrong with the settings is kept, and leaves /orders answering 503.
    """
    from receiver import routes
    from receiver.app import body_deadlines, commands, wiring
    from receiver.relay import recording
    from receiver.settings import installation, reading
    from receiver.web import console, health, page_forms, problems
    from receiver.web.account import pages

    instance = installation.instance_folder()
    app = Flask(__name__, instance_path=str(instance))
    found, wrong = reading.read(instance, overrides=overrides or {})
    app.config.update(found)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    kit = wiring.build(instance, found, wrong)
    app.extensions |= {"receiver": kit, recording.EXTENSION: recording.Recorder(kit.database, kit.engine.hint)}
    app.wsgi_app = body_deadlines.limited(app.wsgi_app)  # type: ignore[method-assign]
    if hops := found["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops)  # type: ignore[method-assign]
    problems.init_app(app)
    page_forms.init_app(app)
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(health.blueprint)
    console.init_app(app)
    pages.init_app(app)
    commands.init_app(app)
    return app


def create_served_app() -> Flask:
    """Build the app for a WSGI server: checks are made and the worker starts, unless a flask command is running.

    ``granian --interface wsgi --factory receiver:create_served_app``, ``gunicorn "receiver:create_served_app()"``.
    """
    from receiver.app import serving

    app = create_app()
    serving.begin(app.extensions["receiver"])
    return app


def main() -> None:
    """Run one command: ``order-receiver init`` does what ``flask --app receiver init`` does."""
    from receiver.app import commands

    commands.command_line(create_served_app).main()


def __getattr__(name: str) -> str:
    if name == "__version__":
        from receiver.settings.installation import VERSION

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
