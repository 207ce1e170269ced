"""The lines of the self test's report, and what it says of handlers: those that ran, and those that did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from receiver.app.components import Kit
from receiver.dispatch import handler_changes
from receiver.relay.report import Report


@dataclass(frozen=True)
class Step:
    """One line of the self test's report."""

    step: str
    passed: bool
    state: str
    detail: str


def of_handlers(report: Report, kit: Kit | None) -> Iterator[Step]:
    """Yield a step for each handler that ran, and for those of this instance that didn't."""
    for handler in report.handlers:
        yield Step(f"handler {handler.name}", handler.state in {"done", "skipped"}, handler.state, handler.detail)
    if kit is None:
        return
    ran = {handler.name for handler in report.handlers}
    for one in kit.registry.handlers:
        if one.name not in ran:
            yield Step(f"handler {one.name}", False, "not run", "the receiver hasn't loaded it")
    for difference in handler_changes.differences(kit.database, kit.registry):
        yield Step("running now", False, "outdated", difference)
    for problem in kit.registry.problems:
        yield Step("handlers", False, "wrong", problem)
    for not_yet, reason in kit.registry.not_loaded:
        yield Step(f"handler {not_yet.name}", True, "not loaded", reason)
