"""The app that a WSGI server serves: ``granian --interface wsgi wsgi:app``, ``gunicorn wsgi:app``, ``flask run``."""

from __future__ import annotations

from receiver import create_served_app

app = create_served_app()
