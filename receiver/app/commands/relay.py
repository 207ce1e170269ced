"""flask relay: the Order Controls and their transmissions, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.orders import files
from receiver.relay import order_received, own_receiver, queries, report, sender
from receiver.relay.failures import Outcome
from receiver.relay.recording import identified
from receiver.security import signing
from receiver.security.http_client import new_pool
from receiver.storage import pages
from receiver.storage.relay_models import TransmissionAttemptRow

group = AppGroup("relay", help="Order Controls: send received orders to your own server.")


@group.command("show")
@click.option("--reveal", is_flag=True, help="Show the shared secret.")
@json_option
def show(reveal: bool, as_json: bool) -> None:
    """Show whether orders are sent, where to, and the secret's fingerprint."""
    controls = working_kit().controls
    control = controls.read()
    facts = {
        "enabled": control.enabled,
        "url": control.url,
        "encoding": control.encoding,
        "sends_secret_field": control.sends_secret_field,
        "secret": controls.reveal() if reveal else None,
        "fingerprint": control.secrets[0].fingerprint if control.secrets else None,
        "disabled_because": control.disabled_because,
    }
    _print_facts(facts, as_json=as_json)
    if not control.url and not as_json:
        click.echo("No URL is saved yet. Save one with: flask relay enable URL")


@group.command("enable")
@click.argument("url", required=False)
@click.option("--encoding", type=click.Choice(["form", "json"]), help="How the order is encoded.")
@click.option("--secret-field/--no-secret-field", default=None, help="Also send the secret as the field shared_secret.")
def enable(url: str | None, encoding: Literal["form", "json"] | None, secret_field: bool | None) -> None:
    """Send received orders to URL, or to the saved one. The first time, create the shared secret."""
    kit = working_kit()
    is_new = not kit.controls.active_secrets()
    control = kit.controls.save(enabled=True, url=url, encoding=encoding, sends_secret_field=secret_field)
    click.echo(f"Completed orders are sent to {control.url} from now on.")
    if own_receiver.is_at(control.url, kit.settings.PUBLIC_URL):
        kit.controls.give_to_receiver()
        click.echo("That's this receiver, and it has the shared secret now.")
    elif is_new:
        _print_secret(kit.controls.reveal(), "")
    click.echo("Next, send a test order with: flask relay test")


@group.command("disable")
def disable() -> None:
    """Hold new orders instead of sending them. URL and secret are kept."""
    working_kit().controls.save(enabled=False)
    click.echo("Orders are held from now on. `flask relay enable` sends them.")


@group.command("rotate")
def rotate() -> None:
    """Create a new shared secret. The old one signs too for 24 hours."""
    kit = working_kit()
    old = kit.controls.reveal()
    secret = kit.controls.rotate()
    click.echo("The new secret signs from now on. The old one signs too for 24 hours.")
    if kit.shared_secrets.is_active(signing.fingerprint(secret)):
        click.echo("This receiver accepts both.")
    else:
        _print_secret(secret, f" --replaces {signing.fingerprint(old)} --overlap 24h")


@group.command("test")
@json_option
def test(as_json: bool) -> None:
    """Send a test order now and print the result. Exit 1 if it didn't arrive."""
    kit = working_kit()
    event_id = kit.transmissions.send_test().event_id
    with kit.database.read() as session:
        attempt = queries.find(session, event_id).trail[0]
    _print_attempt(event_id, attempt.url, attempt, as_json=as_json)


@group.command("send")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", help="Send it once, right now, to this URL instead. Needs --secret.")
@click.option("--secret", help="That receiver's shared secret.")
@json_option
def send(file: Path, url: str | None, secret: str | None, as_json: bool) -> None:
    """Send the order in FILE (JSON or form) like a received one. It's held while HTTP POST is off."""
    if (url is None) != (secret is None):
        raise click.UsageError("--url and --secret go together.")
    if url and secret:
        _send_once(file, url, secret, as_json=as_json)
        return
    kit = working_kit()
    order = files.read_order(file, kit.settings.MAX_FIELDS)
    event_id = order_received(order)
    with kit.database.read() as session:
        row = queries.summary(queries.find(session, event_id))
    _print_facts(row, as_json=as_json)
    if not as_json and row["state"] == "open":
        click.echo("The server or `flask worker` sends it now.")
    if not as_json and row["state"] == "held":
        click.echo("HTTP POST is off. `flask relay enable` sends it.")


@group.command("transmissions")
@click.option("--state", type=click.Choice(queries.STATES), help="Only transmissions in this state.")
@json_option
def transmissions(state: str | None, as_json: bool) -> None:
    """List the latest transmissions, including tests."""
    with working_kit().database.read() as session:
        rows = [queries.summary(row) for row in session.scalars(queries.newest(state=state).limit(pages.SIZE))]
    print_rows(rows, as_json=as_json, empty="No such transmissions yet. Send a test order with: flask relay test")


def _send_once(file: Path, url: str, secret: str, *, as_json: bool) -> None:
    order = identified(files.read_order(file, current_kit().settings.MAX_FIELDS))
    secrets = [signing.clean_secret(secret)]
    pool = new_pool(allow_private=True, https_only=False)  # anyone at this terminal can reach it anyway
    answer = sender.post(url, secrets, order, pool=pool)
    _print_attempt(order.event_id or "", url, answer, as_json=as_json)


def _print_attempt(event_id: str, url: str, attempt: sender.Answer | TransmissionAttemptRow, *, as_json: bool) -> None:
    """Print everything about one attempt, and exit 1 unless the order arrived."""
    if isinstance(attempt, sender.Answer):
        headers, body = dict(attempt.headers_sent), attempt.body.decode("utf-8", "replace")
    else:
        headers, body = json.loads(attempt.headers_sent), attempt.body
    read = report.read(body)
    facts = {
        "event_id": event_id,
        "url": url,
        "address": attempt.address,
        "tls": attempt.tls,
        "status": attempt.status,
        "milliseconds": attempt.milliseconds,
        "headers_sent": headers,
        "answer": body,
        "handlers": [asdict(one) for one in read.handlers] if read else [],
        "cause": attempt.cause,
        "next_step": attempt.next_step,
    }
    _print_facts(facts, as_json=as_json)
    if attempt.outcome != Outcome.DELIVERED:
        raise SystemExit(1)


def _print_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the facts of one thing, a line each; empty ones are left out."""
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, bool):
            say(f"{name}: {'yes' if value else 'no'}")
        elif isinstance(value, dict):
            say("\n".join([f"{name}:", *(f"  {key}: {text}" for key, text in value.items())]))
        elif isinstance(value, list):
            lines = [f"  {one['name']}: {one['state']} {one['detail']}".rstrip() for one in value]
            say("\n".join([f"{name}:", *lines]) if lines else f"{name}: none")
        elif value not in (None, ""):
            say(f"{name}: {value}")


def _print_secret(secret: str, options: str) -> None:
    click.echo(f"{secret}\nThat's the shared secret. If this kit receives the orders, run there:")
    click.echo(f"  flask secret add '{secret}'{options}")
