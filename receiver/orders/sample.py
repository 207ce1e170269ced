"""The dummy order of a test transmission: made up, complete, with totals that add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from receiver.orders.model import Address, Customer, Item, Order

_ITEMS = (
    Item(
        id="P-77",
        sku="MUG-RED-L",
        name="Enamel mug “Łódź”",
        quantity=2,
        unit_price=Decimal("18.50"),
        tax=Decimal("6.32"),
        total=Decimal("37.00"),
        options={"Colour": "red", "Size": "L"},
    ),
    Item(
        id="P-12",
        sku="STK-JP",
        name="日本 sticker",
        quantity=5,
        unit_price=Decimal("1.25"),
        tax=Decimal("1.07"),
        total=Decimal("6.25"),
        options={"Finish": "matt"},
    ),
    Item(
        id="P-31",
        sku="TEE-NAVY-M",
        name="Crème T-shirt",
        quantity=1,
        unit_price=Decimal("14.20"),
        tax=Decimal("2.43"),
        total=Decimal("14.20"),
        options={"Colour": "navy", "Size": "M"},
    ),
)
_CUSTOMER = Customer(
    id="C-2041",
    email="zoe.mueller-lukasz@example.com",
    first_name="Zoë",
    last_name="Müller-Łukasz",
    company="Łukasz & Töchter GmbH",
    phone="+49 30 5550 0142",
    is_guest=True,
    accepts_marketing=False,
)
_BILLING = Address(
    name="Zoë Müller-Łukasz",
    company="Łukasz & Töchter GmbH",
    line1="Oranienstraße 14",
    line2="Hinterhaus, 2. OG",
    city="Berlin",
    region="BE",
    postcode="10999",
    country="DE",
)
_SHIPPING = Address(
    name="Jan Łukasz",
    line1="ul. Świętego Jana 7/3",
    city="Kraków",
    region="MA",
    postcode="31-017",
    country="PL",
)


def dummy_order(*, now: datetime, nonce: str) -> Order:
    """Return a complete order marked ``test``, placed ``now`` (aware), with ids made from the nonce.

    A new nonce makes a new order and event, so each press of the button walks the whole path again. The
    nonce is 1 to 50 characters that an id may have: no full stop, no control character.
    """
    return Order(
        event_id=f"evt_{nonce}",
        test=True,
        store_id="shop-1",
        store_name="Zoë's Corner Shop",
        store_url="https://shop.example.com/",
        order_id=f"TEST-{nonce}",
        order_number="1042",
        order_date=now,
        order_status="completed",
        payment_status="paid",
        currency="EUR",
        locale="de-DE",
        subtotal=Decimal("57.45"),
        discount_total=Decimal("5.75"),
        shipping_total=Decimal("4.90"),
        tax_total=Decimal("10.75"),
        total=Decimal("67.35"),
        discount_code="WELCOME10",
        shipping_method="DHL parcel",
        payment_gateway="paypal",
        payment_reference="PAY-5XK91827",
        customer_note="Please ring twice – danke!",
        customer=_CUSTOMER,
        billing=_BILLING,
        shipping=_SHIPPING,
        items=_ITEMS,
        custom={"gift": "yes", "gift_message": "すべての人に幸あれ"},
    )


def order_of_the_guide() -> Order:
    """Return the sample order with the fixed time and ids that the order guide shows."""
    return dummy_order(now=datetime(2026, 11, 23, 14, 5, tzinfo=UTC), nonce="8F14E45F")
