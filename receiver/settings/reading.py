"""Read the settings: defaults, then instance/config.toml, then the environment."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from receiver.errors import ConfigurationError
from receiver.settings import secret_key
from receiver.settings.definitions import FILE, SETTINGS
from receiver.settings.setting import PREFIX, Setting

#: Where a setting's value comes from that nobody has set.
DEFAULT = "default"
#: The tables of the file that are checked by whoever uses them.
_TABLES = ("sources", "registrar")
#: Names in the environment that are no settings: where the instance is, and what `flask init` takes.
_OTHERS = {"INSTANCE_PATH", "ADMIN_PASSWORD"}
#: How like a setting's name a wrong one must be to be taken for it, from 0 to 1.
_CLOSE = 0.75
#: What Kubernetes sets for a service that is named receiver.
_OF_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT)|PORT)(_|$)")


def read(
    instance: Path, environment: Mapping[str, str] = os.environ, *, overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Read all settings; gives them by name, and one sentence for each that is wrong (it then has its default).

    Under ``origins`` stands where each comes from: *default*, *config.toml* or *environment*. Under ``unknown``
    stands a sentence for each name that is no setting: such a one has no effect, and keeps nothing from running.
    """
    problems: list[str] = []
    try:
        from_file = read_file(instance)
    except ConfigurationError as error:
        from_file = {}
        problems.append(str(error))
    values: dict[str, Any] = {}
    origins = {setting.name: _origin(setting, {**from_file, **overrides}, environment) for setting in SETTINGS}
    for setting in SETTINGS:
        try:
            value = _value(setting, {**from_file, **overrides}, {} if setting.name in overrides else environment)
            problem = setting.problem(value)
        except ConfigurationError as error:
            problem = str(error)
        if problem:
            problems.append(problem)
            value = setting.default
            origins[setting.name] = DEFAULT
        values[setting.name] = value
    values["SECRET_KEY"] = values["SECRET_KEY"] or _secret_key(instance)
    values["DATABASE_URL"] = values["DATABASE_URL"] or _in(instance)
    if values["CSV_FILE"]:
        values["CSV_FILE"] = str(instance / values["CSV_FILE"])
    values["origins"] = origins
    values["unknown"] = _unknown(from_file, environment)
    for table in _TABLES:
        values[table] = overrides.get(table, from_file.get(table, {}))
    return values, problems


def read_file(instance: Path) -> dict[str, Any]:
    """Read ``config.toml`` of the instance folder; a missing one is empty. Raises ConfigurationError."""
    path = instance / FILE
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # editors on Windows begin a file with the mark
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise ConfigurationError(f"{path} is not valid TOML: it is nested too deeply.") from error
    except ValueError as error:  # also of bytes that are not UTF-8, and of a number of thousands of digits
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error


def without_effect(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Say of each key of a table of the file that is none of its own that it has no effect there."""
    settings = {setting.name for setting in SETTINGS}
    return [
        f"has the setting {name}, which has no effect there; put it above the first [table] of the file."
        if name in settings
        else f"has {name[:64]!r}, {_no_setting(name, known)}"
        for name in names
        if name not in known
    ]


def _in(instance: Path) -> str:
    """Give the URL of the database in the instance folder, whatever that is called."""
    return URL.create("sqlite", database=str(instance / "receiver.sqlite")).render_as_string(hide_password=False)


def _origin(setting: Setting, from_file: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """Say where a setting's value comes from."""
    if PREFIX + setting.name in environment:
        return "environment"
    return FILE if setting.name in from_file else DEFAULT


def _value(setting: Setting, from_file: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    text = environment.get(PREFIX + setting.name)
    if text is None:
        return from_file.get(setting.name, setting.default)
    return setting.from_text(text)


def _unknown(from_file: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    known = {setting.name for setting in SETTINGS}
    in_file = [name for name in from_file if name not in known | set(_TABLES)]
    named = [name.removeprefix(PREFIX) for name in environment if name.startswith(PREFIX)]
    outside = [name for name in named if name not in known | _OTHERS and not _OF_KUBERNETES.match(name)]
    return [
        *(f"{FILE} has {name[:64]!r}, {_no_setting(name, (*known, *_TABLES))}" for name in in_file),
        *(f"The environment has {PREFIX}{name[:64]}, {_no_setting(name, known)}" for name in outside),
    ]


def _no_setting(name: str, known: Collection[str]) -> str:
    """Say what a name that is no setting does, and which one it may have been meant for."""
    spelled = {one.upper(): one for one in known}
    close = get_close_matches(name.upper(), sorted(spelled), n=1, cutoff=_CLOSE)
    return "which is no setting and has no effect" + (f"; is {spelled[close[0]]} meant?" if close else ".")


def _secret_key(instance: Path) -> str:
    """Give the key in the file; empty while it is of no use, which is told where it is needed."""
    try:
        return secret_key.read(instance) or ""
    except ConfigurationError:
        return ""
