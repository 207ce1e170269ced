"""flask customers: list customers, and export, register or erase one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from receiver.app.commands.printing import always_json, json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.customers import erasing, privacy, records
from receiver.customers.registrars import registrations
from receiver.errors import NotPossible

group = AppGroup("customers", help="List, export, register and erase customers.")


@group.command("list")
@json_option
def list_customers(as_json: bool) -> None:
    """List the customers, newest first."""
    with working_kit().database.read() as session:
        rows = records.listing(session)
    print_rows(rows, as_json=as_json, empty="No customers yet. Send a test order with: flask selftest")


@group.command("export")
@click.argument("email")
@always_json
def export(email: str, _as_json: bool) -> None:
    """Print everything stored about the person with this EMAIL, as JSON."""
    kit = working_kit()
    with kit.database.read() as session:
        print_json(privacy.export(session, email, secret_key=kit.secret_key))


@group.command("register")
@click.argument("email", required=False)
@click.option("--all", "everyone", is_flag=True, help="Everyone your website doesn't have up to date.")
def register(email: str | None, everyone: bool) -> None:
    """Register the customer with this EMAIL, or everyone missing, on your website."""
    kit, now = working_kit(), datetime.now(UTC)
    if kit.registrations.registrar is None:
        raise NotPossible(
            f"REGISTRAR is {kit.settings.REGISTRAR}, so customers go to no website; "
            "see “Register customers with your website” in Help"
        )
    if everyone == bool(email):
        raise click.UsageError("Give one EMAIL, or --all.")
    if email:
        with kit.database.write() as session:
            registrations.ask(session, email, now=now)
    number = 1 if email else registrations.ask_all(kit.database, now=now)
    click.echo(f"To be registered: {number}. The server or `flask worker` does it.")


@group.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def erase(email: str, yes: bool) -> None:
    """Erase the person with this EMAIL. Their orders stay in the books, without personal data."""
    kit = working_kit()
    with kit.database.read() as session:
        kept = privacy.kept(session, email, kit.csv_file, secret_key=kit.secret_key)
    for line in privacy.consequences(kept, erasing.of_website(kit.registrations.registrar)):
        say(line)
    if not yes:
        if not sys.stdin.isatty():
            raise click.ClickException("nothing was erased. Use --yes to erase without confirmation.")
        click.confirm("Erase this permanently?", abort=True)
    parts = kit.database, kit.transport, kit.registrations.registrar
    for line in erasing.everywhere(*parts, email, kit.csv_file, secret_key=kit.secret_key):
        say(line)
