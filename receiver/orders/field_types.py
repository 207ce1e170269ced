"""The types of an order's fields: each is checked by pydantic, and its Kind says how it is read from text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, WithJsonSchema

from receiver.orders import values


@dataclass(frozen=True)
class Kind:
    """One sort of value: what the order guide calls it and how it is read from text."""

    name: str
    read: Callable[[str], object]
    #: A malformed value parks the order; else it is noted and counts as missing.
    parks: bool = False
    #: An amount that may have no more decimals than the order's currency.
    has_currency_decimals: bool = False


_plain = PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")


def _decimal_text(places: int, sign: str = "-?") -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": rf"^{sign}[0-9]{{1,15}}(\.[0-9]{{1,{places}}})?$"})


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Amount = Annotated[
    Decimal,
    Field(max_digits=21),
    _plain,
    _decimal_text(4),
    Kind("amount", values.amount, parks=True, has_currency_decimals=True),
]
Discount = Annotated[
    Decimal,
    Field(max_digits=21, ge=0),
    _plain,
    _decimal_text(4, sign=""),
    Kind("amount", values.positive_amount, parks=True, has_currency_decimals=True),
]
UnitPrice = Annotated[
    Decimal,
    Field(max_digits=21, decimal_places=6),
    _plain,
    _decimal_text(6),
    Kind("amount", values.amount, parks=True),
]
Quantity = Annotated[int, Field(ge=1), Kind("whole number", values.quantity, parks=True)]
Flag = Annotated[bool, Kind("boolean", values.boolean)]
TestFlag = Annotated[bool, Kind("boolean", values.boolean, parks=True)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), Kind("date", values.moment)]
Email = Annotated[
    str,
    AfterValidator(values.email),
    WithJsonSchema({"type": "string", "format": "email"}),
    Kind("e-mail", values.email, parks=True),
]
Url = Annotated[
    str,
    AfterValidator(values.url),
    WithJsonSchema({"type": "string", "format": "uri"}),
    Kind("URL", values.url),
]
Country = Annotated[
    str,
    AfterValidator(values.country),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"}),
    Kind("country", values.country),
]
Currency = Annotated[
    str,
    AfterValidator(values.currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"}),
    Kind("currency", values.currency),
]
LanguageTag = Annotated[str, AfterValidator(values.locale), Kind("locale", values.locale)]
OrderId = Annotated[
    str,
    AfterValidator(values.order_id),
    Field(min_length=1, max_length=64),
    Kind("id", values.order_id, parks=True),
]
EventId = Annotated[
    str,
    AfterValidator(values.event_id),
    WithJsonSchema({"type": "string", "pattern": "^[^.]{1,255}$"}),
    Kind("id", values.event_id),
]
EventName = Annotated[str, AfterValidator(values.event), Kind("text", values.event, parks=True)]
FormatVersion = Annotated[
    str,
    AfterValidator(values.format_version),
    WithJsonSchema({"type": "string", "const": "1"}),
    Kind("text", values.format_version, parks=True),
]
