"""Receives completed orders on the merchant's own server, writes each down exactly once and runs handlers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
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
    from receiver.settings import reading
    from receiver.web import console, health, page_forms, problems
    from receiver.web.account import pages

    instance = Path(os.environ.get("RECEIVER_INSTANCE_PATH") or Path(__file__).parents[1] / "instance")
    instance = instance.expanduser().absolute()
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
