"""flask sources list, try and sample: the shops that send orders, and what a body of theirs would be."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from receiver.app import source_sample
from receiver.app.commands import saved_files
from receiver.app.commands.printing import json_option, print_json, print_rows, say
from receiver.app.commands.working import working_kit
from receiver.app.source_facts import NOT_REACHABLE, SourceFacts, facts, is_reachable
from receiver.intake import arrivals
from receiver.intake.explanation import explain_file
from receiver.sources.source import DEFAULT


def register(group: AppGroup) -> None:
    """Add the commands to the group ``sources``."""
    for command in (list_sources, try_file, sample):
        group.add_command(command)


@click.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """List the sources: kind, address, origin, how their POSTs are verified, and what has arrived."""
    kit = working_kit()
    kit.sources.look_again()
    with kit.database.read() as session:
        rows = [_row(session, facts(kit, source)) for source in kit.sources.known]
    print_rows(rows, as_json=as_json, empty="No sources.")
    if not (as_json or is_reachable(kit)):
        click.echo(NOT_REACHABLE, err=True)


@click.command("try")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE")
@click.option("--as", "name", default=DEFAULT, help="The source that it would come from.", show_default=True)
@click.option("--number", type=click.IntRange(1), default=1, help="Which body, if the file has several.")
@json_option
def try_file(path: Path, name: str, number: int, as_json: bool) -> None:
    """Read a saved body as an order of a source, and print the order it would be. Nothing is kept.

    FILE is whatever `flask orders import` takes, or - for standard input.
    """
    kit = working_kit()
    keyring = kit.shared_secrets.keyring(of_sources=kit.sources.secrets)
    with saved_files.opened(path) as file:
        reading = explain_file(file, kit.sources, name, keyring, saved_files.limits(kit), number=number)
    if as_json:
        print_json(reading.as_json())
        return
    say(reading.as_text())


@click.command("sample")
@click.argument("name")
@json_option
def sample(name: str, as_json: bool) -> None:
    """Send a sample of the source NAME as a test, signed with its secret, and print each step. Exit 1 if any fails."""
    kit = working_kit()
    kit.sources.look_again()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - it's served for the sample
    receipt = source_sample.send(kit, app, kit.sources.get(name))
    with kit.database.read() as session:
        steps = list(source_sample.steps(session, receipt))
    print_rows([asdict(step) for step in steps], as_json=as_json, empty="No steps.")
    if missed := [step.step for step in steps if not step.passed]:
        raise click.ClickException(f"the sample failed at: {', '.join(missed)}")


def _row(session: Session, known: SourceFacts) -> dict[str, Any]:
    seen = arrivals.of_source(session, known.source.name)
    return {
        "source": known.source.name,
        "kind": known.kind,
        "address": known.address,
        "origin": known.origin,
        "verified_by": known.verified_by,
        "secrets": ", ".join(known.fingerprints),
        "orders": seen.orders,
        "last_at": seen.last.at.isoformat(timespec="seconds") if seen.last else "",
    }
