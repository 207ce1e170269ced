"""Read settings from the environment, where each is a text."""

from __future__ import annotations

import os
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from receiver.settings import handler_tables

PREFIX = "RECEIVER_"
_WORDS: dict[str, bool] = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class EnvironmentSource(EnvSettingsSource):
    """The environment, in which a list is written with commas between and not as JSON."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings, and the tables of the handlers."""
        return {**super().__call__(), **handler_tables.of_environment(variables())}

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, *_: Any, **_others: Any) -> Any:
        """Return what a variable's text means; None when it isn't set."""
        return from_text(field.annotation, value) if field_name.isupper() and value is not None else None


def variables() -> dict[str, str]:
    """Return the environment's variables that are ours, without their prefix."""
    return {name.removeprefix(PREFIX): text for name, text in os.environ.items() if name.startswith(PREFIX)}


def from_text(annotation: Any, text: str) -> Any:
    """Return the value of a type that a text means, or the text itself if it means none: its check reports it."""
    if get_origin(annotation) in (tuple, list):
        return [from_text(get_args(annotation)[0], part.strip()) for part in text.split(",") if part.strip()]
    if annotation is bool:
        return _WORDS.get(text.strip().lower(), text)
    try:
        return int(text) if annotation is int else text
    except ValueError:
        return text
