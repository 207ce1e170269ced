"""Read the settings: defaults, then instance/config.toml, then the environment, then what the caller gives."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.engine import URL

from receiver.errors import ConfigurationError
from receiver.settings import secret_key, wrong_values
from receiver.settings.consequences import INSTEAD, NEEDED, WAITING, meanwhile
from receiver.settings.environment import PREFIX, variables
from receiver.settings.handler_tables import ALIASES, IN_ENVIRONMENT, TABLES, with_tables
from receiver.settings.model import FILE, SETTINGS, Settings, plain

#: The origins of a setting's value: nobody set it, or the environment did.
DEFAULT = "default"
ENVIRONMENT = "environment"
#: The tables of the file, which are checked where they're used.
_TABLES = frozenset(Settings.model_fields) - frozenset(SETTINGS)
#: Every name that sets something.
_NAMES = frozenset(SETTINGS) | frozenset(ALIASES)
#: Other names in the environment: where the instance is, and what `flask init` takes.
_OTHERS = {"INSTANCE_PATH", "ADMIN_PASSWORD"}
#: How similar a wrong name must be to a setting's to suggest that one, from 0 to 1.
_CLOSE = 0.75
#: How a value is written in the environment and in the file, by its setting's type.
_FORMS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "true or false, without quotes"),
    int: ("a whole number", "a whole number such as {}, without quotes"),
    tuple: ("whole numbers with commas between", "a list in brackets, such as {}"),
    str: ("text", "a text in quotes, such as {}"),
}
#: What Kubernetes sets in every container for a service that is named receiver.
_OF_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT)|PORT)(_|$)")


@dataclass(frozen=True)
class Reading:
    """The settings as they were read, and what there is to say about them."""

    settings: Settings
    #: A sentence for each wrong one that receiving needs; no order is taken until it's right.
    problems: tuple[str, ...]
    #: A sentence for each other wrong one, with what waits for it, or what it counts as meanwhile.
    paused: tuple[str, ...]
    #: The kinds of jobs that wait.
    waiting: frozenset[str]
    #: A sentence for each name that is no setting: it has no effect, and keeps nothing from running.
    unknown: tuple[str, ...]
    #: Where each setting comes from: *default*, *config.toml*, *environment* or *create_app*.
    origins: Mapping[str, str]


def read(instance: Path, overrides: Mapping[str, Any]) -> Reading:
    """Read all settings, and say everything that is wrong with them at once."""
    problems: dict[str, str] = {}
    try:
        from_file = read_file(instance)
    except ConfigurationError as error:
        from_file = {}
        problems[FILE] = str(error)
    file = {name: value for name, value in with_tables(from_file).items() if name == TABLES or name not in overrides}
    given = {**with_tables(overrides), FILE: file}
    origins = {name: _origin(name, from_file, overrides) for name in SETTINGS}
    try:
        settings = Settings(**given)
    except ValidationError as errors:
        found = wrong_values.by_key(errors)
        problems |= {name: _sentence(name, found[name], origins[name]) for name in SETTINGS if name in found}
        origins |= dict.fromkeys(found, DEFAULT)
        settings = Settings(**{**given, **{name: INSTEAD.get(name, SETTINGS[name].default) for name in found}})
    settings = settings.model_copy(
        update={
            "SECRET_KEY": settings.SECRET_KEY or SecretStr(_secret_key(instance)),
            "DATABASE_URL": settings.DATABASE_URL or SecretStr(database_in(instance)),
        }
    )
    needed = NEEDED | {FILE}
    return Reading(
        settings,
        problems=tuple(said for name, said in problems.items() if name in needed),
        paused=tuple(f"{said} {meanwhile(name)}" for name, said in problems.items() if name not in needed),
        waiting=frozenset().union(*(WAITING.get(name, ()) for name in problems)),
        unknown=tuple(_unknown(from_file)),
        origins=origins,
    )


def read_file(instance: Path) -> dict[str, Any]:
    """Return what ``config.toml`` of the instance folder holds; nothing without one. Raises ConfigurationError."""
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


def database_in(instance: Path) -> str:
    """Return the URL of the database in the instance folder, whose path may have any characters."""
    return URL.create("sqlite", database=str(instance / "receiver.sqlite")).render_as_string(hide_password=False)


def without_effect(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Return a sentence for each key of a table that has no effect there, since it isn't one of the known ones."""
    return [
        f"has the setting {name}, which has no effect there; put it above the first [table] of the file."
        if name in _NAMES
        else f"has {name[:64]!r}, {_no_setting(name, known)}"
        for name in names
        if name not in known
    ]


def _origin(name: str, from_file: Collection[str], overrides: Collection[str]) -> str:
    if name in overrides:
        return "create_app"
    if PREFIX + name in os.environ:
        return ENVIRONMENT
    return FILE if name in from_file else DEFAULT


def _sentence(name: str, error: ErrorDetails, origin: str) -> str:
    """Return what's wrong with a setting and how to fix it, but not its value, which may be secret."""
    field, context = SETTINGS[name], error.get("ctx", {})
    if error["type"] == "value_error":
        of_list = "".join(f" number {index + 1}" for index in error["loc"][1:] if isinstance(index, int))
        return f"{name}{of_list} {context['error']}."
    if error["type"] == "literal_error":
        return f"{name} must be {context['expected'].replace(chr(39), '')}."
    in_environment, in_file = _FORMS.get(get_origin(field.annotation) or field.annotation, _FORMS[str])
    if origin == ENVIRONMENT:
        return f"{PREFIX}{name} must be {in_environment}."
    example = json.dumps(plain((field.examples or [field.default])[0]) or "text", ensure_ascii=False)
    return f"{name} must be {in_file.format(example)}."


def _unknown(from_file: Collection[str]) -> Iterator[str]:
    for name in from_file:
        if name not in _NAMES and name not in _TABLES:
            yield f"{FILE} has {name[:64]!r}, {_no_setting(name, _NAMES | _TABLES)}"
    for name in variables():
        if name not in _NAMES | _OTHERS and not name.startswith(IN_ENVIRONMENT) and not _OF_KUBERNETES.match(name):
            yield f"The environment has {PREFIX}{name[:64]}, {_no_setting(name, _NAMES)}"


def _no_setting(name: str, known: Collection[str]) -> str:
    """Return the rest of a sentence: the name is no setting, and which one was probably meant."""
    spelled = {one.upper(): one for one in known}
    close = get_close_matches(name.upper(), sorted(spelled), n=1, cutoff=_CLOSE)
    return "which is no setting and has no effect" + (f"; is {spelled[close[0]]} meant?" if close else ".")


def _secret_key(instance: Path) -> str:
    """Return the key in the file; empty while it's unusable, which app/obstacles reports."""
    try:
        return secret_key.read(instance) or ""
    except ConfigurationError:
        return ""
