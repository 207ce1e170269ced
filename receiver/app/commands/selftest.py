"""flask selftest: check that a test order gets through, and that bad ones are refused."""

from __future__ import annotations

from contextlib import ExitStack

import click
from flask import current_app
from flask.cli import with_appcontext

from receiver import errors
from receiver.app import self_test
from receiver.app.commands.printing import json_option, print_rows
from receiver.app.commands.working import working_kit
from receiver.app.components import current_kit
from receiver.app.self_test_steps import Step


@click.command("selftest")
@click.option("--url", help="The receiver to test. Default: serve this app on a free port.")
@click.option("--secret", help="That receiver's shared secret. Default: a temporary one of this instance.")
@json_option
@with_appcontext
def selftest(url: str | None, secret: str | None, as_json: bool) -> None:
    """Send a test order end to end and print each step. Exit 1 if any fails."""
    kit = current_kit()
    steps = []
    with ExitStack() as stack:
        if not (url and secret):
            _need_a_working_instance()
        is_own = secret is None or url is None
        secret = secret or stack.enter_context(self_test.secret_of_its_own(kit))
        url = url or stack.enter_context(self_test.served(current_app._get_current_object()))  # type: ignore[attr-defined]  # noqa: SLF001
        for step in self_test.run(url, secret=secret, kit=kit if is_own else None):
            steps.append(step)
            if not as_json:
                _print_step(step)
    if as_json:
        print_rows([vars(step) for step in steps], as_json=True, empty="")
    missed = dict.fromkeys(step.step for step in steps if not step.passed)
    if missed:
        raise click.ClickException(f"the self test failed at: {', '.join(missed)}")
    if not as_json:
        click.secho("The self test passed.", fg="green")


def _need_a_working_instance() -> None:
    if problems := working_kit().problems:
        raise click.ClickException(problems[0])


def _print_step(step: Step) -> None:
    mark = click.style("ok  ", fg="green") if step.passed else click.style("MISS", fg="red")
    click.echo(f"{mark}  {step.step.ljust(26)} {step.state.ljust(8)} {errors.printable(step.detail)}".rstrip())


COMMANDS = (selftest,)
