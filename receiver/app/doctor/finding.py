"""One line of the diagnosis."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a check found: ``ok``, ``warning``, or ``wrong``, which makes `flask doctor` fail."""

    subject: str
    state: str
    text: str


def ok(subject: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(subject, "ok", text)


def warning(subject: str, text: str) -> Finding:
    """Return a finding that needs a look, though orders are taken."""
    return Finding(subject, "warning", text)


def wrong(subject: str, text: str) -> Finding:
    """Return a finding that has to be fixed."""
    return Finding(subject, "wrong", text)


def wrong_or_ok(subject: str, problems: Collection[str], text: str) -> Iterator[Finding]:
    """Yield each problem as wrong, or that all is well if there's none."""
    yield from [wrong(subject, problem) for problem in problems] or [ok(subject, text)]
