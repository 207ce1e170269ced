"""BigCommerce: https://developer.bigcommerce.com/docs/integrations/webhooks and …/docs/rest-management/orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from receiver.errors import ConfigurationError
from receiver.security.fixed_hosts import AskLater, FixedHosts, Told
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified, json_of, told_with_any
from receiver.sources.guide import Guide
from receiver.sources.shared_rules import address
from receiver.sources.source import Reply, Source, source_kind

_HOST = "api.bigcommerce.com"
_SECRET = re.compile(r"[a-z0-9]{4,32}:[A-Za-z0-9]{16,128}")
_ID = re.compile(r"[0-9]{1,18}")
#: Anybody can name an old order by its number, so only one that was changed lately is taken. Notices come for 2 days.
_LATELY = timedelta(days=7)
_PAGE = 250
#: Most pages of an order's lines.
_PAGES = 8


class OrderById(Question):
    """The order that a notice names by its number alone: BigCommerce tells it, its lines and its addresses."""

    hosts = (_HOST,)

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError unless it's the store's hash, a colon and an access token."""
        if not _SECRET.fullmatch(secret):
            raise ConfigurationError(
                "The secret of a BigCommerce store is its hash, a colon and an access token, such as abc123:0123456789…"
            )

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:
        """Raise SignatureProblem for what isn't about an order of this store."""
        if sent.field("data.type") != "order" or not _ID.fullmatch(sent.field("data.id")):
            raise SignatureProblem("nothing_to_ask", "The fields data.type and data.id name no order.")
        if sent.field("producer") not in {f"stores/{secret.partition(':')[0]}" for secret in secrets}:
            raise SignatureProblem("other_account", "The field producer names another store than this source has.")

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Ask for the order with an access token; raises NotConfirmed, and AskLater."""
        store, number = sent.field("producer").removeprefix("stores/"), sent.field("data.id")
        url = f"https://{_HOST}/stores/{store}/v2/orders/{number}"
        own = [secret for secret in secrets if secret.startswith(f"{store}:")]
        told, secret = told_with_any(own, lambda one: _get(shop, url, one), host=_HOST)
        if told.status != 200:
            raise NotConfirmed(f"BigCommerce knows no such order ({told.status}).")
        order = json_of(told, host=_HOST)
        if not isinstance(order, dict) or str(order.get("id")) != number:
            raise NotConfirmed("BigCommerce told another order.")
        if datetime.now(UTC) - _changed_at(order) > _LATELY:
            raise NotConfirmed(f"The order wasn't changed in the last {_LATELY.days} days.")
        # As it came: an amount that's read and written again may become another.
        parts = {"order": told.body, "products": _lines(shop, url, secret)}
        parts["shipping_addresses"] = _part(_get(shop, f"{url}/shipping_addresses?limit={_PAGE}", secret))
        body = b",".join(b'"%s":%s' % (name.encode(), part) for name, part in parts.items())
        return Confirmed(secret, b"{%s}" % body)


def _get(shop: FixedHosts, url: str, secret: str) -> Told:
    return shop.get(url, {"Accept": "application/json", "X-Auth-Token": secret.partition(":")[2]})


def _changed_at(order: Mapping[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(str(order.get("date_modified") or order.get("date_created")))
    except ValueError as error:
        raise AskLater(f"{_HOST} answered without the order's dates.") from error


def _lines(shop: FixedHosts, url: str, secret: str) -> bytes:
    """Return the pages of an order's lines, as a list of lists."""
    pages = []
    for number in range(1, _PAGES + 1):
        told = _get(shop, f"{url}/products?limit={_PAGE}&page={number}", secret)
        pages.append(_part(told))
        if told.status == 204 or len(json_of(told, host=_HOST)) < _PAGE:
            break
    return b"[%s]" % b",".join(pages)


def _part(told: Told) -> bytes:
    """Return a list that belongs to an order; 204 is an empty one."""
    if told.status == 204:
        return b"[]"
    if told.status != 200 or not isinstance(json_of(told, host=_HOST), list):
        raise AskLater(f"{_HOST} answered {told.status} and no list to a part of the order.")
    return told.body


@source_kind("bigcommerce")
class BigCommerce(Source):
    """A notice of BigCommerce that names an order, which the kit then asks for."""

    guide = Guide(
        "BigCommerce",
        (
            "Open **Settings → Store-level API accounts** and press **Create API account**.",
            "Choose **Orders: read-only** as scope, save, and copy the **access token**.",
            "Find the store's hash in the API path on the same page: `https://api.bigcommerce.com/stores/HASH/v3/`.",
            "Enter the hash, a colon and the access token as the secret here, such as `abc123:0123456789abcdef`.",
            "Make two webhooks by the API, `POST /v3/hooks`, with the address as `destination`.",
            "Their scopes are `store/order/created` and `store/order/statusUpdated`.",
        ),
        calls_it="store hash and access token",
        verified_by="asking BigCommerce for the order that's named",
        notes="An order that wasn't changed for a week isn't taken: anybody can name its number.",
        when_quiet="Ask `GET /v3/hooks` whether the webhook is active: BigCommerce turns it off after failures.",
        is_untried=True,
    )
    asks = OrderById()
    orders_can_change = True
    # It turns a webhook off that isn't answered 200.
    reply = Reply("")
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {
        "awaiting-fulfillment": True,
        "awaiting-shipment": True,
        "awaiting-pickup": True,
        "partially-shipped": True,
        "manual-verification-required": False,
    }
    rules: ClassVar[Mapping[str, Any]] = {
        "order_id": "order.id",
        "order_date": {"from": "order.date_created", "date": "%a, %d %b %Y %H:%M:%S %z"},
        "order_status": "order.status",
        "refund_total": {
            "from": "order.refunded_amount",
            "when": {"order.status": ["Refunded", "Partially Refunded"]},
        },
        "currency": "order.currency_code",
        "total": "order.total_inc_tax",
        "subtotal": "order.subtotal_ex_tax",
        "discount_total": {"from": ["order.discount_amount", "order.coupon_discount"], "sum": True},
        "shipping_total": "order.shipping_cost_ex_tax",
        "tax_total": "order.total_tax",
        "shipping_method": "shipping_addresses[0].shipping_method",
        "locale": "order.customer_locale",
        "payment_gateway": "order.payment_method",
        "payment_reference": "order.payment_provider_id",
        "customer_note": "order.customer_message",
        # A guest is the customer 0.
        "customer.id": {"from": "order.customer_id", "words": {"0": ""}},
        "customer.is_guest": {"from": "order.customer_id", "words": {"0": "true"}, "other": "false"},
        "customer.email": "order.billing_address.email",
        "customer.first_name": "order.billing_address.first_name",
        "customer.last_name": "order.billing_address.last_name",
        "customer.phone": "order.billing_address.phone",
        **address(
            "billing",
            "order.billing_address",
            "first_name+last_name company street_1 street_2 city state zip country_iso2",
        ),
        **address(
            "shipping",
            "shipping_addresses[0]",
            "first_name+last_name company street_1 street_2 city state zip country_iso2",
        ),
        "items": "$.products[*][*]",
        "items[].id": "@.product_id",
        "items[].name": "@.name",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.price_ex_tax",
        "items[].tax": "@.total_tax",
        "items[].total": "@.total_ex_tax",
        "items[].options": {"from": "@.product_options[*]", "name": "display_name", "values": "display_value"},
    }
