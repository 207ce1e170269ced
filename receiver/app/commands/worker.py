"""flask worker: run jobs in a process of its own."""

from __future__ import annotations

import signal
import threading

import click
from flask.cli import with_appcontext

from receiver.app import serving
from receiver.app.components import current_kit


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run handlers and send emails until stopped. For servers with EMBEDDED_WORKER off."""
    kit = current_kit()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if not serving.start(kit, work=True, kind="worker"):
        raise click.ClickException("the worker can't start; the log above says why.")
    click.echo(f"Working with {kit.settings.WORKER_THREADS} threads. Ctrl-C stops after the running jobs.")
    stopped.wait()
    kit.engine.stop()
    kit.presence.end()


COMMANDS = (worker,)
