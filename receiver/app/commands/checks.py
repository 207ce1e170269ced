"""flask doctor and selftest: check that everything is right, line by line."""

from __future__ import annotations

from contextlib import ExitStack

import click
from flask import current_app

from receiver import errors
from receiver.app import self_test
from receiver.app.commands.printing import json_option, print_as_they_come
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.app.doctor import Finding, diagnose
from receiver.app.self_test_steps import Step

_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@click.command("doctor")
@json_option
def doctor(as_json: bool) -> None:
    """Check everything orders depend on, one line each with the fix. Exit 1 if anything is wrong."""
    findings = print_as_they_come(diagnose(current_kit()), _line_of_finding, as_json=as_json)
    if any(finding.state == "wrong" for finding in findings):
        raise SystemExit(1)


def _line_of_finding(finding: Finding) -> str:
    mark = click.style(finding.state.ljust(8), fg=_COLOURS[finding.state])
    return f"{mark} {finding.subject.ljust(10)} {errors.printable(finding.text)}"


@click.command("selftest")
@click.option("--url", help="The receiver to test. Default: serve this app on a free port.")
@click.option("--secret", help="That receiver's shared secret. Default: a temporary one of this instance.")
@json_option
def selftest(url: str | None, secret: str | None, as_json: bool) -> None:
    """Send a test order end to end and print each step. Exit 1 if any fails."""
    is_own = not (url and secret)
    kit = working_kit() if is_own else current_kit()
    if is_own and kit.problems:
        raise click.ClickException(kit.problems[0])
    with ExitStack() as stack:
        secret = secret or stack.enter_context(self_test.secret_of_its_own(kit))
        url = url or stack.enter_context(self_test.served(current_app._get_current_object()))  # type: ignore[attr-defined]  # noqa: SLF001
        walk = self_test.run(url, secret=secret, kit=kit if is_own else None)
        steps = print_as_they_come(walk, _line_of_step, as_json=as_json)
    if missed := dict.fromkeys(step.step for step in steps if not step.passed):
        raise click.ClickException(f"the self test failed at: {', '.join(missed)}")
    if not as_json:
        click.secho("The self test passed.", fg="green")


def _line_of_step(step: Step) -> str:
    mark = click.style("ok  ", fg="green") if step.passed else click.style("MISS", fg="red")
    return f"{mark}  {step.step.ljust(26)} {step.state.ljust(8)} {errors.printable(step.detail)}".rstrip()
