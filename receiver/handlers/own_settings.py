"""The settings of one handler: its table ``[handlers.NAME]``, read into the model that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, SecretStr, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from receiver.handlers.contract import Handler, RetryLater, Skip
from receiver.settings import checks, reading, wrong_values
from receiver.settings.environment import from_text
from receiver.settings.handler_tables import ALIASES
from receiver.settings.model import FILE


def _in_instance(path: Path, info: ValidationInfo) -> Path:
    if path == Path():
        raise ValueError("must name a file")
    return Path((info.context or {}).get("instance", "")) / path


def _web_address(url: SecretStr) -> SecretStr:
    if wrong := checks.call_address(url.get_secret_value()):
        raise ValueError(wrong)
    return url


#: A path in a handler's settings; a relative one starts at the instance folder.
InstancePath = Annotated[Path, AfterValidator(_in_instance)]
#: A web address in a handler's settings that's as good as a password, such as a chat's incoming webhook; never shown.
SecretUrl = Annotated[SecretStr, AfterValidator(_web_address)]


@dataclass(frozen=True)
class OwnSettings:
    """The settings of one handler, or why it has none."""

    values: BaseModel | None = None
    #: What must be set for the handler to run; while it isn't, the handler is off.
    switch: str | None = None
    #: What's wrong; every attempt fails with it until it's fixed.
    problem: str | None = None
    #: What has no effect.
    warnings: tuple[str, ...] = ()

    def given(self) -> BaseModel:
        """Return the values; raises Skip while the handler is off, and RetryLater while they're wrong."""
        if self.switch:
            raise Skip(f"{self.switch} is not set")
        if self.problem:
            raise RetryLater(self.problem)
        if self.values is None:
            raise TypeError("context.own: this handler declares no settings; see @handler(settings=…)")
        return self.values


def read(handler: Handler, tables: Mapping[str, Any], instance: Path) -> OwnSettings:
    """Read a handler's table, and report everything that's wrong with it at once."""
    model, place = handler.settings, f"[handlers.{handler.name}]"
    table = tables.get(handler.name, {})
    if model is None:
        return OwnSettings()
    if not isinstance(table, dict):
        return OwnSettings(problem=f"{place} in {FILE} must be a table.")
    fields = model.model_fields
    given = {name: value for name, value in table.items() if value is not None}
    warnings = tuple(f"{place} in {FILE} {said}" for said in reading.without_effect(given, fields))
    needed = [name for name, field in fields.items() if field.is_required()]
    if needed and not given.keys() & set(needed):
        return OwnSettings(switch=f"{place} {needed[0]}", warnings=warnings)
    texts = {name: value for name, value in given.items() if name in fields and isinstance(value, str)}
    meant = {name: from_text(fields[name].annotation, text) for name, text in texts.items()}
    try:
        return OwnSettings(model.model_validate({**given, **meant}, context={"instance": instance}), warnings=warnings)
    except ValidationError as errors:
        said = [_sentence(handler.name, error) for error in wrong_values.by_key(errors).values()]
    except Exception as error:  # noqa: BLE001 - a merchant's check may fail in any way, with the value in its message
        said = [f"its check failed: {type(error).__name__}"]
    return OwnSettings(problem=f"{place} {'; '.join(said)}.", warnings=warnings)


def _sentence(handler: str, error: ErrorDetails) -> str:
    older = next((name for name, key in ALIASES.items() if key == (handler, *error["loc"][:1])), None)
    return wrong_values.sentence(error, f"{'.'.join(map(str, error['loc']))} ({older})" if older else "")
