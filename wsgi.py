"""The app that a WSGI server serves: ``granian --interface wsgi wsgi:app``, ``gunicorn wsgi:app``, ``flask run``."""

from __future__ import annotations

from functools import partial

from receiver import create_app
from receiver.app import reloading, serving

app = create_app()

if serving.is_serving():
    kit = app.extensions["receiver"]
    serving.start(kit, work=kit.settings["EMBEDDED_WORKER"])
    reloading.watch(kit.instance / "handlers", partial(serving.give_way, kit))
