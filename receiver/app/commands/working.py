"""What all commands share: they run in the app, need a working instance, and end with a message, not a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import click
from flask.cli import with_appcontext

from receiver.app.components import Kit, current_kit
from receiver.errors import ConfigurationError, ReceiverError


def working_kit() -> Kit:
    """Return the current app's kit. Raises ClickException, with the fix, if the database or key can't be used."""
    kit = current_kit()
    problems = kit.obstacles.look()
    if problems:
        raise click.ClickException(problems[0])
    return kit


@cache
def in_words(command: click.Command) -> click.Command:
    """Wrap a command, or each command of a group, to run in the app and end with a message on an expected error."""
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        in_words(one)
    if command.callback is not None:
        command.callback = _in_words(with_appcontext(command.callback))
    return command


def _in_words(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except (ConfigurationError, ReceiverError) as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:  # as with `| head`; click ends quietly
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{place}{error.strerror or type(error).__name__}.") from error
        except UnicodeError as error:
            raise click.ClickException("The terminal's encoding can't print this. Set PYTHONUTF8=1.") from error

    return run
