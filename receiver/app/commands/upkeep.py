"""flask worker and prune: what runs beside the server and keeps the instance in order."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from datetime import UTC, datetime

import click

from receiver.app import serving
from receiver.app.commands.printing import json_option, print_json
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.customers import clock_notice
from receiver.customers.purging import Purged


@click.command("worker")
def worker() -> None:
    """Run handlers and send emails until stopped. For servers with EMBEDDED_WORKER off."""
    kit = current_kit()
    serving.refuse_public_debugging(kit, "127.0.0.1")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if not serving.start(kit, work=True, kind="worker"):
        raise click.ClickException("the worker can't start; the log above says why.")
    click.echo(f"Working with {kit.settings.WORKER_THREADS} threads. Ctrl-C stops after the running jobs.")
    stopped.wait()
    kit.engine.stop()
    kit.presence.end()


@click.command("prune")
@click.option("--trust-clock", is_flag=True, help="Delete by date alone, even after the clock jumped.")
@json_option
def prune(as_json: bool, trust_clock: bool) -> None:
    """Delete contents, emails and outbox files of finished orders older than RETENTION_DAYS."""
    kit = working_kit()
    days, now = kit.settings.RETENTION_DAYS, datetime.now(UTC)
    if not trust_clock and (suspended := kit.retention.suspension(now)):
        raise click.ClickException(f"{clock_notice.nothing_is_purged(suspended)} {clock_notice.WHAT_TO_DO}")
    purged = sum(kit.retention.purge(now, trust_clock=trust_clock), Purged())
    if as_json:
        print_json({"days": days, **asdict(purged)})
    elif not days:
        click.echo("RETENTION_DAYS is 0: everything is kept.")
    else:
        click.echo(
            f"Older than {days} days: emptied {purged.orders} orders; removed {purged.mails} emails, "
            f"{purged.files} outbox files and {purged.transmissions} transmissions."
        )
