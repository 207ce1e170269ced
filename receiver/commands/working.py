"""The kit, for commands that need an instance that `flask init` has set up."""

from __future__ import annotations

import click

from receiver import serving
from receiver.kit import Kit, current_kit


def working_kit() -> Kit:
    """Give the current app's kit; ends the command with what to mend when there is no usable database or key."""
    kit = current_kit()
    problems = serving.blocking_problems(kit)
    if problems:
        raise click.ClickException(problems[0])
    return kit
