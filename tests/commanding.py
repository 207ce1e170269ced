"""Running flask commands as a person or a program does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from click.testing import Result
from flask import Flask

Run = Callable[..., Result]


def runner(make_app: Callable[..., Flask]) -> Run:
    """Give a function that runs a flask command on an app with these settings."""

    def run(*words: str, stdin: str | None = None, **settings: Any) -> Result:
        return make_app(**settings).test_cli_runner().invoke(args=list(words), input=stdin)

    return run


def lines(result: Result) -> list[str]:
    """Give the lines that were printed for the caller, errors left out."""
    return result.stdout.splitlines()
