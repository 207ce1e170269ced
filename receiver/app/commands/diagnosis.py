"""flask doctor: check that everything is right, and say how to fix what isn't."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from receiver import errors
from receiver.app.commands.printing import json_option, print_rows
from receiver.app.components import current_kit
from receiver.app.doctor import diagnose

_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@click.command("doctor")
@json_option
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check everything orders depend on, one line each with the fix. Exit 1 if anything is wrong."""
    findings = []
    for finding in diagnose(current_kit()):
        findings.append(finding)
        if not as_json:
            mark = click.style(finding.state.ljust(8), fg=_COLOURS[finding.state])
            click.echo(f"{mark} {finding.subject.ljust(10)} {errors.printable(finding.text)}")
    if as_json:
        print_rows([vars(finding) for finding in findings], as_json=True, empty="")
    if any(finding.state == "wrong" for finding in findings):
        raise SystemExit(1)


COMMANDS = (doctor,)
