"""Find the handlers, judge each, and put those that run in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from receiver.handlers import checks, contract, own_settings
from receiver.handlers.contract import MARK, Handler
from receiver.handlers.own_settings import OwnSettings
from receiver.settings import extensions, reading
from receiver.settings.handler_tables import ALIASES
from receiver.settings.instance_files import InstanceFiles
from receiver.settings.model import FILE, is_secret

DOOR = extensions.Door(
    "handlers",
    built_in=(
        "receiver.handlers.register_customer",
        "receiver.handlers.email_customer",
        "receiver.handlers.notify_merchant",
        "receiver.handlers.append_csv",
        "receiver.handlers.notify_chat",
        "receiver.handlers.forward",
    ),
    decorator="@handler",
    mark=MARK,
    file=contract.__file__,
)


@dataclass(frozen=True)
class Registry:
    """The handlers in the order they run, and a sentence for each problem."""

    handlers: tuple[Handler, ...]
    problems: tuple[str, ...]
    #: The merchant's files, as they were loaded.
    files: InstanceFiles = field(repr=False)
    #: The problems without any error's own message, which may hold a secret.
    problems_for_the_log: tuple[str, ...] = ()
    #: Those that were found but don't run, because HANDLERS leaves them out or their settings aren't set.
    left_out: tuple[Handler, ...] = ()
    #: Those of whose events there's none, each with a sentence that says so.
    not_loaded: tuple[tuple[Handler, str], ...] = ()
    #: A sentence for each of these, and for each that runs but also names something that there isn't.
    notes: tuple[str, ...] = ()
    #: The own settings of those that were found, by name.
    own: Mapping[str, OwnSettings] = field(default_factory=dict, repr=False)
    #: What's wrong in the tables ``[handlers.NAME]``, and what has no effect there.
    setting_problems: tuple[str, ...] = ()
    setting_warnings: tuple[str, ...] = ()
    #: The files and other places that couldn't be loaded.
    broken: tuple[str, ...] = ()

    def found(self) -> tuple[Handler, ...]:
        """Return all that were found, even if they don't run."""
        return (*self.handlers, *self.left_out, *(handler for handler, _ in self.not_loaded))

    def own_settings(self, name: str) -> BaseModel:
        """Return a handler's own settings; raises what ``OwnSettings.given`` raises."""
        return self.own[name].given()

    def former_settings(self) -> dict[str, Any]:
        """Return the handlers' own settings that once were settings of the kit, by their former names; no secret."""
        models = {handler.name: handler.settings for handler in self.found()}
        return {
            former: getattr(self.own[name].values, key, None)
            for former, (name, key) in ALIASES.items()
            if (model := models.get(name)) and not is_secret(model.model_fields[key])
        }

    def on(self, event: str | None) -> tuple[Handler, ...]:
        """Return those that run on an event, in their order."""
        return tuple(handler for handler in self.handlers if event in handler.events)

    def get(self, name: str) -> Handler | None:
        """Return the handler with this name that runs; None if there's none."""
        return next((found for found in self.handlers if found.name == name), None)


def load(instance: Path, chosen: Sequence[str] = (), tables: Any = MappingProxyType({})) -> Registry:
    """Find all handlers, or the ``chosen`` names in their order; a broken one doesn't stop the others.

    If none are chosen, those are left out that need settings of their own which aren't set in ``tables``, the tables
    ``[handlers.NAME]``.
    """
    files = InstanceFiles(instance / "handlers")
    found: dict[str, Handler] = {}
    not_yet: dict[str, str] = {}
    #: Each with what the log has of it.
    problems: dict[str, str] = {}
    broken: list[str] = []
    for loaded in extensions.load(DOOR, files):
        if loaded.problem:
            problems[loaded.problem] = loaded.problem_for_the_log or loaded.problem
            broken.append(loaded.place)
        for function in loaded.marked:
            handler: Handler = getattr(function, MARK)
            if problem := checks.of_one(function, handler, found):
                problems[f"{loaded.place}: {problem}"] = f"{loaded.place}: {problem}"
                continue
            found[handler.name] = handler
            if reason := checks.why_not_yet(handler):
                not_yet[handler.name] = f"{loaded.place}: {reason}"
    not_loaded = tuple((found.pop(name), reason) for name, reason in not_yet.items())
    given = tables if isinstance(tables, Mapping) else {}
    own = {name: own_settings.read(handler, given, instance) for name, handler in found.items()}
    chosen = chosen or [name for name in found if not own[name].switch]
    chosen = [name for name in chosen if name not in not_yet]
    kept, circles = checks.without_circles([found[name] for name in chosen if name in found])
    problems |= {said: said for said in (*checks.of_names(found, chosen, not_yet), *circles)}
    return Registry(
        tuple(kept),
        tuple(problems),
        files,
        problems_for_the_log=tuple(problems.values()),
        left_out=tuple(handler for name, handler in found.items() if name not in chosen),
        not_loaded=not_loaded,
        own=own,
        setting_problems=tuple(_setting_problems(own, tables)),
        setting_warnings=tuple(_setting_warnings(found, own, given)),
        notes=(*not_yet.values(), *(note for handler in kept for note in checks.notes(handler, not_yet))),
        broken=tuple(broken),
    )


def _setting_problems(own: Mapping[str, OwnSettings], tables: Any) -> Iterator[str]:
    if not isinstance(tables, Mapping):
        yield f"handlers in {FILE} must be tables such as [handlers.append_csv]."
    for name, one in own.items():
        if one.problem:
            yield f"{one.problem} Orders are taken; {name} is tried again until it's fixed."


def _setting_warnings(
    found: Mapping[str, Handler], own: Mapping[str, OwnSettings], tables: Mapping[str, Any]
) -> Iterator[str]:
    known = [name for name, handler in found.items() if handler.settings]
    for said in reading.without_effect([name for name in tables if name not in found], known):
        yield f"[handlers] in {FILE} {said}"
    for name in tables:
        if name in found and name not in known:
            yield f"[handlers.{name}] in {FILE} has no effect: that handler has no settings of its own."
    for one in own.values():
        yield from one.warnings
