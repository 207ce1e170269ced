"""Ecwid: https://docs.ecwid.com/api-reference/rest-api/webhooks and …/rest-api/orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature, Scheme
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_ADDRESS = "name companyName street - city stateOrProvinceCode postalCode countryCode"


@source_kind("ecwid")
class Ecwid(Source):
    """The notice of an order, which names its id and the state of its payment, or an order in the form of the API.

    Ecwid signs when the event was and its id, with the client secret of the app, and not what's said of it. It sends
    no currency: give it in ``config.toml``, ``currency = {value = "EUR"}``.
    """

    guide = Guide(
        "Ecwid",
        (
            "Have an app of your own at Ecwid, with the webhooks `order.created` and `order.updated`.",
            "Give Ecwid the address as the app's webhook URL.",
            "Copy the app's **client secret**.",
        ),
        calls_it="client secret of the app",
        verified_by="a signature over the event's time and id",
        notes="Ecwid signs when the event was and its id, and not what's said of it.",
        missing='The currency. Say it in the other settings of the source: `fields = {currency = {value = "EUR"}}`.',
    )
    scheme: ClassVar[Scheme | None] = HmacSignature(
        "X-Ecwid-Webhook-Signature", encoding="base64", signed="{eventCreated}.{eventId}"
    )
    sample: ClassVar[Sample | None] = Sample(
        {
            "eventId": "$id",
            "eventCreated": "$seconds",
            "eventType": "order.created",
            "data": {"orderId": "$id", "newPaymentStatus": "PAID"},
        }
    )
    always_says_what_is_paid = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events("eventType", "order.created order.updated", {"order.deleted": "order.cancelled"}),
        "order_id": ["data.orderId", "orderNumber", "id", "entityId"],
        "order_number": "vendorOrderNumber",
        "order_date": {"from": "createDate", "date": "%Y-%m-%d %H:%M:%S %z"},
        "payment_status": ["paymentStatus", "data.newPaymentStatus"],
        "refund_total": "refundedAmount",
        "discount_total": {"from": ["discount", "couponDiscount"], "sum": True},
        "discount_code": "discountCoupon.code",
        "shipping_total": "shippingOption.shippingRate",
        "shipping_method": "shippingOption.shippingMethodName",
        "tax_total": "tax",
        "payment_gateway": "paymentMethod",
        "payment_reference": "externalTransactionId",
        "customer_note": "orderComments",
        "customer.id": "customerId",
        "customer.email": "email",
        "customer.first_name": {"from": "billingPerson.name", "split": "first"},
        "customer.last_name": {"from": "billingPerson.name", "split": "last"},
        "customer.phone": ["billingPerson.phone", "shippingPerson.phone"],
        **address("billing", "billingPerson", _ADDRESS),
        **address("shipping", "shippingPerson", _ADDRESS),
        "items": "$.items[*]",
        "items[].id": "@.productId",
        "items[].name": "@.name",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.price",
        "items[].tax": "@.tax",
        "items[].options": {"from": "@.selectedOptions[*]"},
    }


@source_kind("ecwid-orders")
class EcwidOrders(Ecwid):
    """The same orders, passed on by an automation, which sends the secret itself."""

    guide = Guide(
        "Ecwid, by an automation",
        (
            "Have the automation post whole orders of Ecwid to the address.",
            "Have it send the secret in the header `X-Shared-Secret`.",
        ),
        is_chosen=True,
        verified_by="the secret in a header",
        missing='The currency. Say it in the other settings of the source: `fields = {currency = {value = "EUR"}}`.',
    )
    sample = Sample(
        {
            "id": "$id",
            "createDate": "$%Y-%m-%d %H:%M:%S +0000",
            "paymentStatus": "PAID",
            "email": "ada@buyer.example",
            "subtotal": 20.0,
            "total": 20.0,
            "items": [{"productId": 7, "name": "Mug", "sku": "MUG-1", "quantity": 2, "price": 10.0}],
        }
    )
    scheme = None
    always_says_what_was_bought = True
