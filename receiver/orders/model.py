"""Models of a completed order, with a description and an example for every field, in the order sent.

The parser, the relay, the test order, the order guide and the JSON Schema are all made from these models.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from receiver.orders import field_types as types
from receiver.orders import values

#: Marks a field that the relay always sends, "(s)" in order-post.
_SENT: JsonDict = {"x-always-sent": True}


def _field(description: str, example: object, *, default: object = None, sent: bool = False) -> Any:
    extra = _SENT if sent else None
    return Field(default, description=description, examples=[example], json_schema_extra=extra)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, str_strip_whitespace=False)


class Customer(_Part):
    """The shopper as checkout knew them."""

    id: str | None = _field("The shop's id of the customer.", "C-2041")
    email: types.Email | None = _field("Where the shopper wants mail.", "zoe.mueller-lukasz@example.com", sent=True)
    first_name: str | None = _field("Given name.", "Zoë")
    last_name: str | None = _field("Family name.", "Müller-Łukasz")
    company: str | None = _field("Company the shopper bought for.", "Łukasz & Töchter GmbH")
    phone: str | None = _field("Telephone number as the shopper typed it.", "+49 30 5550 0142")
    is_guest: types.Flag | None = _field("Whether the shopper bought without an account.", True)
    accepts_marketing: types.Flag | None = _field("True only when the shopper gave consent to marketing mail.", False)


class Address(_Part):
    """One postal address."""

    name: str | None = _field("Full name of the recipient.", "Zoë Müller-Łukasz")
    company: str | None = _field("Company at the address.", "Łukasz & Töchter GmbH")
    line1: str | None = _field("Street and number.", "Oranienstraße 14")
    line2: str | None = _field("Flat, floor, building.", "Hinterhaus, 2. OG")
    city: str | None = _field("Town.", "Berlin")
    region: str | None = _field("State, province or county.", "BE")
    postcode: str | None = _field("Postal code, as text.", "10999")
    country: types.Country | None = _field("ISO 3166-1 alpha-2 code of the country.", "DE")


class Item(_Part):
    """One line of the order."""

    id: str | None = _field("The shop's id of the product.", "P-77")
    sku: str | None = _field("Stock-keeping unit.", "MUG-RED-L")
    name: str | None = _field("What the shopper saw as the product's name.", "Enamel mug", sent=True)
    quantity: types.Quantity | None = _field("Number of pieces, or a length or weight.", 2, sent=True)
    unit_price: types.UnitPrice | None = _field(
        "Price of one piece in major units, up to six decimals.", "18.50", sent=True
    )
    tax: types.Amount | None = _field("Tax on the line, after discount.", "6.32")
    total: types.Amount | None = _field("What the line costs, before discount and tax.", "37.00")
    options: dict[str, str] = _field(
        "Choices of the shopper: as a form `Colour: red, Size: L`, in JSON an object.",
        {"Colour": "red", "Size": "L"},
        default={},
    )


class Order(_Part):
    """One completed order."""

    format_version: types.FormatVersion = _field("Version of this format.", "1", default="1", sent=True)
    event: types.EventName = _field(
        "What happened: order.completed, order.refunded, order.cancelled or order.updated; any other is ignored.",
        "order.completed",
        default="order.completed",
        sent=True,
    )
    event_id: types.EventId | None = _field(
        'The same on every attempt of one event, 1 to 255 characters, no "." in it.',
        "evt_8f14e45fceea167a",
        sent=True,
    )
    test: types.TestFlag = _field("True on a test order, whose data is made up.", True, default=False, sent=True)
    store_id: str | None = _field("Id of the shop that sold.", "shop-1")
    store_name: str | None = _field("Name of the shop that sold.", "Zoë's Corner Shop")
    store_url: types.Url | None = _field("Address of the shop that sold.", "https://shop.example.com/")
    order_id: types.OrderId = Field(
        description="Unique in that shop, 1 to 255 characters; the one field that a receiver needs.",
        examples=["TEST-8F14E45F"],
        json_schema_extra=_SENT,
    )
    order_number: str | None = _field("What the shopper was shown, when it differs from the id.", "1042")
    order_date: types.Moment = Field(
        description="When checkout completed, RFC 3339 with an offset; when missing, the time of receipt.",
        examples=["2026-11-23T14:05:00Z"],
        json_schema_extra=_SENT,
    )
    order_status: str | None = _field("State of the order; missing means completed.", "completed")
    payment_status: str | None = _field("State of the payment; missing means paid.", "paid")
    currency: types.Currency | None = _field("ISO 4217 code of all amounts.", "EUR", sent=True)
    locale: types.LanguageTag | None = _field("BCP 47 tag of the shopper's language.", "de-DE")
    subtotal: types.Amount | None = _field("Sum of the items before discount, shipping and tax.", "57.45")
    discount_total: types.Discount | None = _field("What was taken off, as a positive amount.", "5.75")
    shipping_total: types.Amount | None = _field("What shipping costs.", "4.90")
    tax_total: types.Amount | None = _field("Sum of all taxes.", "10.75")
    total: types.Amount | None = _field("What the shopper paid; 0.00 is legal.", "67.35", sent=True)
    refund_id: str | None = _field("The shop's id of the refund that this reports; two refunds have two.", "RF-3")
    refund_total: types.Refund | None = _field(
        "What went back to the shopper, as a positive amount: by the refund with the refund_id, or without one so far, "
        "by all refunds of the order.",
        "12.00",
    )
    discount_code: str | None = _field("Code that the shopper typed for the discount.", "WELCOME10")
    shipping_method: str | None = _field("How the order travels, in words.", "DHL parcel")
    payment_gateway: str | None = _field("Who took the payment.", "paypal")
    payment_reference: str | None = _field("The gateway's transaction id, never a card number.", "PAY-5XK91827")
    customer_note: str | None = _field("What the shopper wrote to the shop.", "Please ring twice – danke!")
    customer: Customer = _field("The shopper.", {"email": "zoe@example.com"}, default=Customer())
    billing: Address | None = _field("Where the invoice goes.", {"city": "Berlin", "country": "DE"})
    shipping: Address | None = _field("Where the goods go.", {"city": "Kraków", "country": "PL"})
    items: tuple[Item, ...] = _field(
        "The lines of the order; as a form numbered from 1 without a gap.",
        [{"name": "Enamel mug", "quantity": 2, "unit_price": "18.50"}],
        default=(),
    )
    custom: dict[str, str | list[str]] = _field(
        "The shop's own fields, as they came; a name given twice is a list.", {"gift": "yes"}, default={}
    )
    extra: dict[str, str | list[str]] = _field(
        "Fields that mean nothing here, by their name or for a malformed value, as they came.",
        {"AffiliateRef": "77"},
        default={},
    )
    notes: tuple[str, ...] = _field(
        "What the receiver noticed and did not refuse; it holds no value that was sent.",
        ["billing_country must be an ISO 3166-1 alpha-2 code"],
        default=(),
    )

    @model_validator(mode="after")
    def _no_more_decimals_than_the_currency_has(self) -> Self:
        taken = self.discount_total, self.refund_total
        amounts = [self.subtotal, self.shipping_total, self.tax_total, self.total, *taken]
        amounts += [amount for item in self.items for amount in (item.tax, item.total)]
        for amount in amounts:
            if amount is not None:
                values.check_decimals(amount, self.currency)
        return self
