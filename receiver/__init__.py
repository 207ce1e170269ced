"""A receiver of completed orders on the merchant's own server: it stores each exactly once and runs handlers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask.cli import FlaskGroup
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

#: Handlers written for an older release import some names from where they used to be.
__path__.append(f"{__path__[0]}/app/former")


def create_app(overrides: Mapping[str, Any] | None = None, *, instance_path: str | Path | None = None) -> Flask:
    """Build the app from defaults, ``instance/config.toml`` and environment, then ``overrides``.

    RECEIVER_INSTANCE_PATH moves the instance folder, ``instance_path`` wins over it. Builds and never refuses: it
    starts no thread and touches no database. A wrong setting that receiving needs leaves /orders answering 503.
    """
    from receiver import routes
    from receiver.app import body_deadlines, commands, components, sender_addresses
    from receiver.relay import recording
    from receiver.settings import installation, reading
    from receiver.web import afterwards, console, health, metrics, page_forms, problems
    from receiver.web.account import pages
    from receiver.web.openapi import view as openapi

    instance = installation.instance_folder(instance_path)
    app = Flask(__name__, instance_path=str(instance))
    read = reading.read(instance, overrides or {})
    app.config["SECRET_KEY"] = read.settings.SECRET_KEY.get_secret_value()
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # it redirects to whatever host the request names
    kit = components.Kit(instance, read)
    app.extensions |= {"receiver": kit, recording.EXTENSION: recording.Recorder(kit.database, kit.engine.hint)}
    if hops := read.settings.TRUSTED_PROXIES:
        app.wsgi_app = ProxyFix(sender_addresses.checked(app.wsgi_app), hops, hops, hops, hops)  # type: ignore[method-assign]
    # Outermost: it's the connection itself that it ends, and that's the proxy's.
    app.wsgi_app = body_deadlines.limited(app.wsgi_app)  # type: ignore[method-assign]
    problems.init_app(app)
    afterwards.init_app(app, https=read.settings.PUBLIC_URL.startswith("https:"))
    page_forms.init_app(app)
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.register_blueprint(openapi.blueprint)
    console.init_app(app)
    pages.init_app(app)
    commands.init_app(app)
    return app


def create_served_app() -> Flask:
    """Build the app for a WSGI server: checks are made and the worker starts, unless a flask command is running.

    ``granian --interface wsgi --factory receiver:create_served_app``, ``gunicorn "receiver:create_served_app()"``.
    """
    from receiver.app import serving
    from receiver.web import shown_posts

    app = create_app()
    shown_posts.init_app(app)
    serving.begin(app.extensions["receiver"])
    return app


def main() -> None:
    """Run one command: ``order-receiver init`` does what ``flask --app receiver init`` does."""
    from receiver.app import commands

    commands.command_line(create_served_app).main()


class Receiver:
    """The receiver as a part of a Flask site that you have already, below one URL prefix.

    ``Receiver(app)``, or ``receiver = Receiver()`` and ``receiver.init_app(app)`` in an app factory. It's an app of its
    own that wraps the site's ``wsgi_app``: below the prefix it has its own pages, errors, sessions and settings, and it
    doesn't affect the rest of the site.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        #: The receiver's own app; None before ``init_app``.
        self.app: Flask | None = None
        if app is not None:
            self.init_app(app, **options)

    def init_app(
        self,
        app: Flask,
        *,
        url_prefix: str = "/receiver",
        instance_path: str | Path | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        """Mount the receiver in a site: orders at ``/receiver/orders``, commands as ``flask receiver …``.

        The instance folder is ``receiver`` in the site's own, unless ``instance_path`` or RECEIVER_INSTANCE_PATH names
        another. Starts nothing: see ``start``. Raises RuntimeError for a site that has a receiver already, and
        ValueError for a prefix that isn't a path.
        """
        from receiver.settings import installation

        if "receiver" in app.extensions:
            raise RuntimeError("This app has a receiver already. Remove one of the calls of Receiver(app) or init_app.")
        if not url_prefix.startswith("/") or url_prefix.endswith("/"):
            raise ValueError(f"url_prefix must be a path such as /receiver, not {url_prefix!r}.")
        folder = installation.instance_folder(instance_path, usually=Path(app.instance_path) / "receiver")
        self.app = own = create_app(overrides, instance_path=folder)
        own.cli.commands.pop("serve")  # the site has a server
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {url_prefix: own.wsgi_app})  # type: ignore[method-assign]
        app.extensions |= {name: own.extensions[name] for name in own.extensions if name.startswith("receiver")}
        app.cli.add_command(
            FlaskGroup(
                name="receiver",
                help="Set up, look after and try the order receiver.",
                create_app=lambda: own,
                add_default_commands=False,
                add_version_option=False,
                load_dotenv=False,
                set_debug_flag=False,
            )
        )

    def start(self) -> None:
        """Start the receiver's work in this process, if it's one that serves the site, and no flask command.

        Call it where the server imports the site, once, so that tests and scripts start no threads.
        """
        from receiver.app import serving

        if self.app is None:
            raise RuntimeError("Call init_app(app) first.")
        serving.begin(self.app.extensions["receiver"], owns_process=False)


def __getattr__(name: str) -> Any:
    if name == "application":  # what flask --app receiver looks for before create_app, which makes none of the checks
        return create_served_app()
    if name == "__version__":
        from receiver.settings.installation import VERSION

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
