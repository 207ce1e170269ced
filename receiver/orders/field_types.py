"""The types of an order's fields: each is checked by pydantic, and its Kind says how it is read from text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    GetCoreSchemaHandler,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from receiver.orders import values


@dataclass(frozen=True)
class Kind:
    """One sort of value: what the order guide calls and says of it, and how it is read from text."""

    name: str
    read: Callable[[str], object]
    #: A malformed value parks the order; else it is noted and counts as missing.
    parks: bool = False
    #: An amount that may have no more decimals than the order's currency.
    has_currency_decimals: bool = False
    #: How the guide says that it is written; empty where it says so at another kind of the same name.
    written: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make pydantic read text by ``read`` alone: its own rules accept 1E5, yes and full-width digits."""
        schema = handler(source)
        if source is str:
            return core_schema.no_info_after_validator_function(self.read, schema)
        return core_schema.no_info_wrap_validator_function(self._read_or_validate, schema)

    def _read_or_validate(self, value: Any, validate: ValidatorFunctionWrapHandler) -> object:
        return self.read(value) if isinstance(value, str) else validate(value)


def _decimal_text(places: int, sign: str = "-?") -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": rf"^{sign}[0-9]{{1,15}}(\.[0-9]{{1,{places}}})?$"})


def _as_sent(value: Decimal) -> Decimal:
    """Return the number as its text is read: without an exponent, so that it is written as a plain decimal."""
    return values.amount(format(value, "f"))


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Amount = Annotated[
    Decimal,
    Field(max_digits=21, decimal_places=6),
    AfterValidator(_as_sent),
    _decimal_text(4),
    Kind(
        "amount",
        values.amount,
        parks=True,
        has_currency_decimals=True,
        written="plain decimal text in major units, such as 19.99, with no more decimals than the currency has",
    ),
]
Discount = Annotated[
    Decimal,
    Field(max_digits=21, decimal_places=6, ge=0),
    # Of the numbers that are not below 0 only -0.00 has a minus.
    AfterValidator(abs),
    AfterValidator(_as_sent),
    _decimal_text(4, sign=""),
    Kind("amount", values.positive_amount, parks=True, has_currency_decimals=True),
]
UnitPrice = Annotated[
    Decimal,
    Field(max_digits=21, decimal_places=6),
    AfterValidator(_as_sent),
    _decimal_text(6),
    Kind("amount", values.amount, parks=True),
]
Quantity = Annotated[
    int, Field(ge=1), Kind("whole number", values.quantity, parks=True, written="digits alone, 1 or more")
]
Flag = Annotated[bool, Kind("boolean", values.boolean, written="true, false, 1 or 0")]
TestFlag = Annotated[bool, Kind("boolean", values.boolean, parks=True)]
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    Kind("date", values.moment, written="RFC 3339 with an offset, such as 2026-11-23T14:05:00+01:00"),
]
Email = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "email"}),
    Kind("email", values.email, parks=True, written="one bare address, such as zoe@example.com"),
]
Url = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "uri"}),
    Kind("URL", values.url, written="an address that begins with https:// or http://"),
]
Country = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"}),
    Kind("country", values.country, written="ISO 3166-1 alpha-2 code, such as GB"),
]
Currency = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"}),
    Kind("currency", values.currency, written="ISO 4217 code, such as EUR"),
]
LanguageTag = Annotated[str, Kind("locale", values.locale, written="BCP 47 language tag, such as en-GB")]
OrderId = Annotated[
    str,
    Field(min_length=1, max_length=64),
    Kind("id", values.order_id, parks=True, written="text, whatever it looks like: 0042 is not 42"),
]
EventId = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[^.]{1,255}$"}),
    Kind("id", values.event_id),
]
EventName = Annotated[str, Kind("text", values.event, parks=True)]
FormatVersion = Annotated[
    str,
    WithJsonSchema({"type": "string", "const": "1"}),
    Kind("text", values.format_version, parks=True),
]
