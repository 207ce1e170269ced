"""flask secret: the receiver's shared secrets."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

import click
from click.core import ParameterSource
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_json, print_rows
from receiver.app.commands.working import working_kit
from receiver.security import signing

group = AppGroup("secret", help="Add, list and revoke shared secrets.")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """A duration such as 24h, 30m or 7d."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration; ends the command for any other text."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", value)
        if not match:
            self.fail(f"{value!r} isn't a duration such as 24h, 30m or 7d.", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


@group.command("add")
@click.argument("value", required=False)
@click.option("--replaces", metavar="FINGERPRINT", help="The secret that this one replaces.")
@click.option("--overlap", type=Duration(), default="24h", show_default=True, help="How long the old one stays valid.")
@json_option
@click.pass_context
def add(context: click.Context, value: str | None, replaces: str | None, overlap: timedelta, as_json: bool) -> None:
    """Add a secret: VALUE, or - to read it from standard input. Without VALUE, create one and print it once."""
    if not replaces and context.get_parameter_source("overlap") is not ParameterSource.DEFAULT:
        raise click.UsageError("--overlap goes with --replaces.")
    kit = working_kit()
    if value == "-":
        value = sys.stdin.readline()
        if not value.strip():
            raise click.ClickException("there's no secret on standard input.")
    if value is not None and not value.strip():
        raise click.UsageError("VALUE is empty. Leave it out to create a secret.")
    secret = value or signing.new_secret()
    now = datetime.now(UTC)
    with kit.database.write() as session:
        if replaces:
            fingerprint = kit.shared_secrets.replace(session, replaces, secret, now=now, overlap=overlap)
        else:
            fingerprint = kit.shared_secrets.add(session, secret, now=now)
    if as_json:
        print_json({"fingerprint": fingerprint, **({} if value else {"secret": secret})})
        return
    if not value:
        click.echo(f"{secret}\nThat's the new secret, shown only once: give it to the sending service.")
    click.echo(f"Added. Its fingerprint is {fingerprint}. It's active now, without a restart.")
    if not secret.isascii():
        click.echo("It isn't pure ASCII, so send it as a field: not every server accepts that in a header.")


@group.command("list")
@json_option
def list_secrets(as_json: bool) -> None:
    """List the secrets by fingerprint."""
    kit = working_kit()
    with kit.database.read() as session:
        rows = kit.shared_secrets.listing(session, now=datetime.now(UTC))
    print_rows(rows, as_json=as_json, empty="No secrets yet: every POST is refused. Add one with: flask secret add")


@group.command("revoke")
@click.argument("fingerprint")
def revoke(fingerprint: str) -> None:
    """Revoke a stored secret immediately."""
    kit = working_kit()
    with kit.database.write() as session:
        kit.shared_secrets.end(session, fingerprint, at=datetime.now(UTC))
    click.echo(f"Revoked {fingerprint}. POSTs that use it are refused from now on.")
