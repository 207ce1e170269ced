"""The types of an order's fields: pydantic checks each, and its Kind says how it's read from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, core_schema

from receiver.orders import values
from receiver.orders.email_addresses import bare_address


@dataclass(frozen=True, eq=False)
class Kind:
    """One sort of value: its name and words in the order guide, and how it's read from text."""

    name: str
    read: Callable[[str], object]
    #: A malformed value parks the order; else it is noted and counts as missing.
    parks: bool = False
    #: An amount that may have no more decimals than the order's currency.
    has_currency_decimals: bool = False
    #: How the guide says that it is written; empty where it says so at another kind of the same name.
    written: str = ""
    #: What the JSON Schema says of the text; None where pydantic's own schema says it.
    schema: Mapping[str, str] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make pydantic read text by ``read`` alone: its own rules accept 1E5, yes and full-width digits."""
        schema = handler(source)
        if source is str:
            return core_schema.no_info_after_validator_function(self.read, schema)
        read = self.read

        def read_or_validate(value: Any, validate: ValidatorFunctionWrapHandler) -> object:
            return read(value) if isinstance(value, str) else validate(value)

        return core_schema.no_info_wrap_validator_function(read_or_validate, schema)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return what the JSON Schema says of a value."""
        return handler(schema) if self.schema is None else {"type": "string", **self.schema}


def _decimal(places: int, sign: str = "-?") -> dict[str, str]:
    return {"pattern": rf"^{sign}[0-9]{{1,15}}(\.[0-9]{{1,{places}}})?$"}


def _as_sent(value: Decimal) -> Decimal:
    """Return the number without an exponent, so that it's written as a plain decimal, as a sender writes it."""
    return values.amount(format(value, "f"))


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


_AMOUNT = "plain decimal text in major units, such as 19.99, with no more decimals than the currency has"
_DIGITS = Field(max_digits=21, decimal_places=6)

Amount = Annotated[
    Decimal,
    _DIGITS,
    AfterValidator(_as_sent),
    Kind("amount", values.amount, parks=True, has_currency_decimals=True, written=_AMOUNT, schema=_decimal(4)),
]
Discount = Annotated[
    Decimal,
    _DIGITS,
    Field(ge=0),
    # Of the numbers that are not below 0 only -0.00 has a minus.
    AfterValidator(abs),
    AfterValidator(_as_sent),
    Kind("amount", values.positive_amount, parks=True, has_currency_decimals=True, schema=_decimal(4, sign="")),
]
Refund = Annotated[
    Decimal,
    _DIGITS,
    Field(ge=0),
    AfterValidator(abs),
    AfterValidator(_as_sent),
    Kind("amount", values.positive_amount, has_currency_decimals=True, schema=_decimal(4, sign="")),
]
UnitPrice = Annotated[
    Decimal, _DIGITS, AfterValidator(_as_sent), Kind("amount", values.amount, parks=True, schema=_decimal(6))
]
_QUANTITY = "digits, with a point before decimals, more than 0: 2 or 0.55"
Quantity = Annotated[int | Decimal, Field(gt=0), Kind("number", values.quantity, parks=True, written=_QUANTITY)]
Flag = Annotated[bool, Kind("boolean", values.boolean, written="true, false, 1 or 0")]
TestFlag = Annotated[bool, Kind("boolean", values.boolean, parks=True)]
_MOMENT = "RFC 3339 with an offset, such as 2026-11-23T14:05:00+01:00"
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), Kind("date", values.moment, written=_MOMENT)]
_EMAIL = "one bare address, such as zoe@example.com"
Email = Annotated[str, Kind("email", bare_address, parks=True, written=_EMAIL, schema={"format": "email"})]
_URL = "an address that begins with https:// or http://"
Url = Annotated[str, Kind("URL", values.url, written=_URL, schema={"format": "uri"})]
_COUNTRY = "ISO 3166-1 alpha-2 code, such as GB"
Country = Annotated[str, Kind("country", values.country, written=_COUNTRY, schema={"pattern": "^[A-Z]{2}$"})]
_CURRENCY = "ISO 4217 code, such as EUR"
Currency = Annotated[str, Kind("currency", values.currency, written=_CURRENCY, schema={"pattern": "^[A-Z]{3}$"})]
LanguageTag = Annotated[str, Kind("locale", values.locale, written="BCP 47 language tag, such as en-GB")]
_ORDER_ID = "text, whatever it looks like: 0042 is not 42"
OrderId = Annotated[
    str, Field(min_length=1, max_length=255), Kind("id", values.order_id, parks=True, written=_ORDER_ID)
]
EventId = Annotated[str, Kind("id", values.event_id, schema={"pattern": "^[^.]{1,255}$"})]
EventName = Annotated[str, Kind("text", values.event, parks=True)]
FormatVersion = Annotated[str, Kind("text", values.format_version, parks=True, schema={"const": "1"})]
