"""What every command shares: a working instance if it needs one, and a message instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import click

from receiver.app.components import Kit, current_kit
from receiver.errors import ConfigurationError, ReceiverError


def working_kit() -> Kit:
    """Return the current app's kit; ends the command with what to mend when there is no usable database or key."""
    kit = current_kit()
    problems = kit.obstacles.look()
    if problems:
        raise click.ClickException(problems[0])
    return kit


@cache
def in_words(command: click.Command) -> click.Command:
    """Make a command, and each command of a group, end with what's wrong and how to fix it."""
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        in_words(one)
    if command.callback is not None:
        command.callback = _told(command.callback)
    return command


def _told(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except (ConfigurationError, ReceiverError) as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:  # whoever reads the output has enough of it; click ends in silence
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{place}{error.strerror or type(error).__name__}.") from error
        except UnicodeError as error:
            raise click.ClickException("The terminal's encoding can't print this. Set PYTHONUTF8=1.") from error

    return run
