"""flask customers: who was registered; what is kept of one person, given or erased."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.customers import privacy, records
from receiver.customers.registrars import registrations
from receiver.errors import NotPossible

group = AppGroup("customers", help="The customers that orders have registered.")
COMMANDS = (group,)


@group.command("list")
@json_option
def list_customers(as_json: bool) -> None:
    """List the customers, newest first."""
    with working_kit().database.read() as session:
        rows = records.listing(session)
    print_rows(rows, as_json=as_json, empty="No customer yet; send the dummy order with: flask selftest")


@group.command("export")
@click.argument("email")
@click.option("--json", "_as_json", is_flag=True, help="Accepted for uniformity; it is always JSON.")
def export(email: str, _as_json: bool) -> None:
    """Print all that is kept of the person with this EMAIL, as JSON."""
    with working_kit().database.read() as session:
        print_json(privacy.export(session, email))


@group.command("register")
@click.argument("email", required=False)
@click.option("--all", "everyone", is_flag=True, help="All that the website has not been told of as they are now.")
def register(email: str | None, everyone: bool) -> None:
    """Hand the customer with this EMAIL, or all who are missing, to your website."""
    kit, now = working_kit(), datetime.now(UTC)
    if kit.registrations.registrar is None:
        said = f"REGISTRAR is {kit.settings.REGISTRAR}, so customers go to no website; "
        said += "see “Register customers with your website” in Help"
        raise NotPossible(said)
    if everyone == bool(email):
        raise click.UsageError("Name one EMAIL, or say --all.")
    if email:
        with kit.database.write() as session:
            registrations.ask(session, email, now=now)
    number = 1 if email else registrations.ask_all(kit.database, now=now)
    click.echo(f"To be registered: {number}. A serving process or `flask worker` does it.")


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, yes: bool) -> None:
    """Erase the person with this EMAIL; their orders stay in the books, without them."""
    kit = working_kit()
    with kit.database.read() as session:
        kept = privacy.kept(session, email, kit.csv_file)
    for line in privacy.consequences(kept):
        say(line)
    if not yes:
        if not sys.stdin.isatty():
            raise click.ClickException("nothing was erased; say --yes to erase without being asked.")
        click.confirm("Erase this for good?", abort=True)
    privacy.erase(kit.database, kit.transport, email, kit.csv_file)
    say(f"Erased {kept.email}.")
