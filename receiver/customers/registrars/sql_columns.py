"""What each column of the website's table gets: ``[registrar.columns]``, checked once, and its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column

from receiver.customers.registrars import Fields, customer_fields, placeholders
from receiver.customers.registrars.placeholders import Template, filled
from receiver.errors import ConfigurationError

_EXAMPLES = '"first_name", "{first_name} {last_name}" or {value = "customer"}'
_EMAIL = Template((("", "email"),))


@dataclass(frozen=True)
class Columns:
    """The rule for each column, and which columns of an existing row are updated."""

    #: A template, or a constant.
    rules: Mapping[str, Any]
    #: The column that a row is found by.
    email: str
    update: Sequence[str]

    def of_new(self, customer: Fields) -> dict[str, Any]:
        """Return the values of a new row; None where the customer has none."""
        return {name: filled(rule, customer) for name, rule in self.rules.items()}

    def of_known(self, customer: Fields) -> dict[str, Any]:
        """Return the values to write into an existing row: no empty ones, and none that withdraws a consent."""
        values = {name: filled(self.rules[name], customer) for name in self.update}
        return {
            name: value
            for name, value in values.items()
            if value not in {None, "", False} or not isinstance(self.rules[name], Template)
        }


def read(columns: Mapping[str, Any], update: Sequence[Any]) -> Columns:
    """Read ``columns`` and ``update`` of the table; raises ConfigurationError naming the key at fault."""
    rules = {name: _rule(f"columns.{name}", rule) for name, rule in columns.items()}
    found_by = [name for name, rule in rules.items() if rule == _EMAIL]
    if len(found_by) != 1:
        raise ConfigurationError('columns must name exactly one column as "email": customers are found by it.')
    for name in update:
        if not isinstance(name, str) or name not in rules:
            raise ConfigurationError(f"update names {name!r}, which isn't in columns.")
        rule = rules[name]
        if name in found_by or (isinstance(rule, Template) and customer_fields.UNUSABLE_PASSWORD in rule.fields):
            raise ConfigurationError(f"update names {name!r}, but email and password of an existing row never change.")
    return Columns(rules, found_by[0], update)


def fitting(column: Column[Any], value: Any) -> Any:
    """Return a value in the form that the column has; a text that is too long is cut."""
    kind = _python_type(column)
    if value is None:
        return "" if kind is str and not column.nullable and column.server_default is None else None
    if isinstance(value, datetime):
        return _fitting_time(column, kind, value)
    if isinstance(value, bool) and kind in {int, str}:
        return kind(int(value))
    longest = getattr(column.type, "length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def _rule(key: str, rule: Any) -> Any:
    if isinstance(rule, str):
        template = placeholders.parsed(f"{{{rule}}}" if rule in customer_fields.NAMES else rule, key)
        if not template.fields:
            raise ConfigurationError(
                f'{key} is "{rule}", which is no field of a customer; a constant is written {{value = "{rule}"}}.'
            )
        return template
    constant = rule["value"] if isinstance(rule, dict) and set(rule) == {"value"} else rule
    if not isinstance(constant, str | int | float | datetime | date):
        raise ConfigurationError(f"{key} must be {_EXAMPLES}.")
    return constant


def _python_type(column: Column[Any]) -> type | None:
    try:
        return column.type.python_type
    except NotImplementedError:  # a type that SQLAlchemy knows by name only, such as PostgreSQL's tsvector
        return None


def _fitting_time(column: Column[Any], kind: type | None, value: datetime) -> Any:
    """Return an aware time as the column has times: a number is seconds since 1970, a column without a zone is UTC."""
    if kind is int:
        return int(value.timestamp())
    if kind is date:
        return value.astimezone(UTC).date()
    if kind is datetime:
        return value if getattr(column.type, "timezone", False) else value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat()
