"""Find the registrars, and make the one that REGISTRAR names from ``[registrar]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from receiver import errors
from receiver.customers import registrars
from receiver.customers.registrars import MARK, WITHOUT_WEBSITE, Registrar, RegistrarType, names_a_website
from receiver.errors import ConfigurationError
from receiver.settings import consequences, extensions, reading, wrong_values
from receiver.settings.instance_files import InstanceFiles

DOOR = extensions.Door(
    "registrars",
    built_in=("receiver.customers.registrars.sql", "receiver.customers.registrars.http"),
    decorator="@registrar",
    mark=MARK,
    file=registrars.__file__,
)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Registrars:
    """The registrars that were found, and a sentence for each that couldn't be taken."""

    types: Mapping[str, RegistrarType]
    problems: tuple[str, ...]
    #: The merchant's files; their modules live as long as this.
    files: InstanceFiles

    @property
    def names(self) -> list[str]:
        """What REGISTRAR may be."""
        return sorted({*WITHOUT_WEBSITE, *self.types})

    def chosen(self, name: str, table: Any) -> tuple[Registrar | None, list[str]]:
        """Make the registrar of this name from ``[registrar]``, or say what's wrong; None registers nobody."""
        if not names_a_website(name):
            return None, []
        if name not in self.types:
            return None, [f"REGISTRAR must be one of {', '.join(self.names)}. {consequences.meanwhile('REGISTRAR')}"]
        found = self.types[name]
        needed = any(field.is_required() for field in found.settings.model_fields.values())
        if not isinstance(table, dict) or (needed and not table):
            where = "see “Register customers with your website” in Help"
            return None, [f'REGISTRAR is "{name}", so config.toml needs a table [registrar]; {where}.']
        try:
            return found.make(settings(found.settings, table)), []
        except ConfigurationError as error:
            return None, [f"[registrar] in config.toml: {error}"]
        except Exception as error:  # noqa: BLE001 - a merchant's class may fail in any way
            where = f"{type(error).__name__} ({errors.location(error)})"  # its words may hold a secret
            return None, [f"The registrar {name} cannot be made: {where}."]

    def without_effect(self, name: str, table: Any) -> list[str]:
        """Return a sentence for each key of ``[registrar]`` that the chosen registrar ignores."""
        if name not in self.types or not isinstance(table, dict):
            return []
        known = sorted(self.types[name].settings.model_fields)
        return [f"[registrar] in config.toml {said}" for said in reading.without_effect(table, known)]


def load(instance: Path) -> Registrars:
    """Find all registrars; a broken one is named and stops no other."""
    files = InstanceFiles(instance / DOOR.name)
    types, problems = extensions.by_name(DOOR, files)
    return Registrars(types, tuple(problems), files)


def settings(model: type[Model], table: Mapping[str, Any]) -> Model:
    """Read ``[registrar]``; raises ConfigurationError with what each wrong key must be."""
    try:
        return model.model_validate(table)
    except ValidationError as errors:
        said = []
        for key, error in wrong_values.by_key(errors).items():
            described = key in model.model_fields and error["type"] != "value_error"
            meant = model.model_fields[key].description if described else None
            said.append(f"{key} must be {meant}" if meant else wrong_values.sentence(error, "" if key else "the table"))
        raise ConfigurationError(f"{'. '.join(said)}.") from None
