"""What stands in each column of the website's table: ``[registrar.columns]``, checked once, and the values it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column

from receiver.customers.registrars import Fields, customer_fields, placeholders
from receiver.customers.registrars.placeholders import Template
from receiver.errors import ConfigurationError

_EXAMPLES = '"first_name", "{first_name} {last_name}" or {value = "customer"}'


@dataclass(frozen=True)
class Constant:
    """A value that is the same for every customer."""

    value: Any

    def fill(self, _customer: Fields) -> Any:
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Columns:
    """The rule for each column, and which columns of an existing row are updated."""

    rules: Mapping[str, Template | Constant]
    #: The column that a row is found by.
    email: str
    update: tuple[str, ...]

    def of_new(self, customer: Fields) -> dict[str, Any]:
        """Return the values of a new row; None where nothing is known."""
        return {name: rule.fill(customer) for name, rule in self.rules.items()}

    def of_known(self, customer: Fields) -> dict[str, Any]:
        """Return what is written into a row that is there: nothing unknown, and no consent taken away."""
        values = {name: (self.rules[name], self.rules[name].fill(customer)) for name in self.update}
        return {
            name: value
            for name, (rule, value) in values.items()
            if isinstance(rule, Constant) or value not in {None, "", False}
        }


def read(columns: Mapping[str, Any], update: Sequence[Any]) -> Columns:
    """Read ``columns`` and ``update`` of the table; raises ConfigurationError naming the key at fault."""
    rules = {name: _rule(name, rule) for name, rule in columns.items()}
    found_by = [name for name, rule in rules.items() if rule == placeholders.parsed("{email}")]
    if len(found_by) != 1:
        raise ConfigurationError('columns must name exactly one column as "email": customers are found by it.')
    for name in update:
        _check_update(name, rules, found_by[0])
    return Columns(rules, found_by[0], tuple(update))


def fitting(column: Column[Any], value: Any) -> Any:
    """Return a value in the form that the column of the website has; a text that is too long is cut."""
    kind = _python_type(column)
    if value is None:
        return "" if kind is str and not column.nullable and column.server_default is None else None
    if isinstance(value, datetime):
        return _fitting_time(column, kind, value)
    if isinstance(value, bool) and kind in {int, str}:
        return kind(int(value))
    longest = getattr(column.type, "length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def _rule(name: str, rule: Any) -> Template | Constant:
    if isinstance(rule, str):
        if rule in customer_fields.NAMES:
            rule = f"{{{rule}}}"
        template = _named(name, rule)
        if not template.fields:
            raise ConfigurationError(
                f'columns.{name} is "{rule}", which is no field of a customer; '
                f'a constant is written {{value = "{rule}"}}.'
            )
        return template
    constant = rule.get("value") if isinstance(rule, dict) and set(rule) == {"value"} else rule
    if not isinstance(constant, str | int | float | datetime | date):
        raise ConfigurationError(f"columns.{name} must be {_EXAMPLES}.")
    return Constant(constant)


def _named(name: str, rule: str) -> Template:
    try:
        return placeholders.parsed(rule)
    except ConfigurationError as error:
        raise ConfigurationError(f"columns.{name} {error}") from error


def _check_update(name: Any, rules: Mapping[str, Template | Constant], email: str) -> None:
    rule = rules.get(name) if isinstance(name, str) else None
    if rule is None:
        raise ConfigurationError(f"update names {name!r}, which does not stand in columns.")
    if name == email or (isinstance(rule, Template) and customer_fields.UNUSABLE_PASSWORD in rule.fields):
        raise ConfigurationError(f"update names {name!r}, but neither e-mail nor password of a known row is changed.")


def _python_type(column: Column[Any]) -> type | None:
    try:
        return column.type.python_type
    except NotImplementedError:
        return None


def _fitting_time(column: Column[Any], kind: type | None, value: datetime) -> Any:
    """Return an aware moment as the column has moments; a number is seconds since 1970, a column without a zone UTC."""
    if kind is int:
        return int(value.timestamp())
    if kind is date:
        return value.astimezone(UTC).date()
    if kind is datetime:
        return value if getattr(column.type, "timezone", False) else value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat()
