"""Texts with placeholders in the table of a registrar: ``{first_name}`` of the customer, ``${NAME}`` of the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Any

from receiver.customers.registrars import Fields, Value, customer_fields
from receiver.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{(\w*)\}")


@dataclass(frozen=True)
class Template:
    """A text with the customer's fields in braces; ``{{`` is a literal brace."""

    #: Pairs of a literal text and the field that follows it, if any.
    parts: tuple[tuple[str, str | None], ...]

    @property
    def fields(self) -> list[str]:
        """The fields that are in it."""
        return [field for _, field in self.parts if field is not None]

    def fill(self, customer: Fields) -> Value:
        """Return the text for one customer, or None when the customer has none of its fields.

        One field alone keeps its type, so that a truth value stays one.
        """
        values = {name: _value(customer, name) for name in self.fields}
        if self.fields and all(value is None for value in values.values()):
            return None
        if len(self.parts) == 1 and self.parts[0][0] == "" and self.fields:
            return values[self.fields[0]]
        return "".join(literal + (_text(values[field]) if field else "") for literal, field in self.parts).strip()


def parsed(text: str, key: str) -> Template:
    """Read the text of a key; raises ConfigurationError, which names the key, for a placeholder that's no field."""
    try:
        found = list(Formatter().parse(text))
    except ValueError as error:
        raise ConfigurationError(
            f"{key} has braces that don't pair in {text!r} ({error}); a brace itself is {{{{."
        ) from None
    for _, field, form, conversion in found:
        if field is not None and (field not in customer_fields.NAMES or form or conversion):
            names = ", ".join(customer_fields.NAMES)
            raise ConfigurationError(f"{key} has {{{field}}}, which is no field of a customer; the fields are {names}.")
    return Template(tuple((literal, field) for literal, field, _, _ in found))


def filled(node: Any, customer: Fields) -> Any:
    """Fill every text of a value for one customer; what the customer doesn't have is left out of tables and lists."""
    match node:
        case Template():
            return node.fill(customer)
        case dict():
            values = {name: filled(value, customer) for name, value in node.items()}
            return {name: value for name, value in values.items() if value is not None}
        case list():
            return [value for one in node if (value := filled(one, customer)) is not None]
    return node


def from_environment(text: str, key: str, environment: Mapping[str, str]) -> str:
    """Replace each ``${NAME}`` by its environment variable; raises ConfigurationError for one that isn't set."""
    for name in variables(text):
        if name not in environment:
            raise ConfigurationError(f"{key} has ${{{name}}}, but the environment has no {name}; set it and restart.")
    return _VARIABLE.sub(lambda found: environment[found[1]], text)


def variables(text: str) -> list[str]:
    """Return the environment variables that a text names."""
    return _VARIABLE.findall(text)


def _value(customer: Fields, name: str) -> Value:
    return customer_fields.unusable_password() if name == customer_fields.UNUSABLE_PASSWORD else customer[name]


def _text(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
    return value
