"""Ecwid, asked by its API: https://docs.ecwid.com/api-reference/rest-api/orders/get-order and …/rest-api/webhooks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from receiver.errors import ConfigurationError
from receiver.security.fixed_hosts import AskLater, FixedHosts, Told
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified, json_of, told_with_any
from receiver.sources.ecwid import Ecwid
from receiver.sources.guide import Guide
from receiver.sources.source import Reply, source_kind

_HOST = "app.ecwid.com"
_SECRET = re.compile(r"[0-9]{1,12}:[A-Za-z0-9_]{16,128}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: What's added to an order.
_CURRENCY = "currencyOfTheStore"
#: Orders have short ids, which can be guessed, so only one that was changed lately is taken.
_LATELY = timedelta(days=7)


class OrderById(Question):
    """The order that a notice names: Ecwid tells it, and the currency of the store, which no order has."""

    hosts = (_HOST,)

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError unless it's the store's id, a colon and a secret token."""
        if not _SECRET.fullmatch(secret):
            raise ConfigurationError(
                "The secret is the store's id, a colon and the app's secret token, such as 1003:secret_0123456789…"
            )

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:
        """Raise SignatureProblem for what isn't about an order of this store."""
        if not sent.field("eventType").startswith("order.") or not _ID.fullmatch(sent.field("data.orderId")):
            raise SignatureProblem("nothing_to_ask", "The fields eventType and data.orderId name no order.")
        if sent.field("storeId") not in {secret.partition(":")[0] for secret in secrets}:
            raise SignatureProblem("other_account", "The field storeId names another store than this source has.")

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Ask for the order with a secret token; raises NotConfirmed, and AskLater."""
        store, name = sent.field("storeId"), sent.field("data.orderId")
        own = [secret for secret in secrets if secret.startswith(f"{store}:")]
        told, secret = told_with_any(own, lambda one: _get(shop, f"{store}/orders/{name}", one), host=_HOST)
        if told.status != 200:
            raise NotConfirmed(f"Ecwid knows no such order ({told.status}).")
        order = json_of(told, host=_HOST)
        if not isinstance(order, dict) or order.get("id") != name:
            raise NotConfirmed("Ecwid told another order.")
        changed = order.get("updateTimestamp")
        if not isinstance(changed, int):
            raise AskLater(f"{_HOST} answered without the order's dates.")
        if datetime.now(UTC).timestamp() - changed > _LATELY.total_seconds():
            raise NotConfirmed(f"The order wasn't changed in the last {_LATELY.days} days.")
        currency = json.dumps(_currency(json_of(_get(shop, f"{store}/profile", secret), host=_HOST)))
        # The rest as it came: an amount that's read and written again may become another.
        return Confirmed(secret, b'{"%s":%s,%s' % (_CURRENCY.encode(), currency.encode(), told.body.strip()[1:]))


def _get(shop: FixedHosts, path: str, secret: str) -> Told:
    headers = {"Accept": "application/json", "Authorization": f"Bearer {secret.partition(':')[2]}"}
    return shop.get(f"https://{_HOST}/api/v3/{path}", headers)


def _currency(profile: Any) -> str:
    units = profile.get("formatsAndUnits") if isinstance(profile, dict) else None
    found = units.get("currency") if isinstance(units, dict) else None
    if not isinstance(found, str):
        raise AskLater(f"{_HOST} answered without the store's currency.")
    return found


@source_kind("ecwid-api")
class EcwidAPI(Ecwid):
    """A notice of Ecwid that names an order, which the kit then asks for."""

    guide = Guide(
        "Ecwid, by its API",
        (
            "Have an app of your own at Ecwid, with the scopes `read_orders` and `read_store_profile`.",
            "Give it the webhooks `order.created` and `order.updated`.",
            "Give Ecwid the address as the app's webhook URL.",
            "Copy the app's **secret token**, and enter the store's id, a colon and the token as the secret here.",
        ),
        calls_it="store id and secret token",
        verified_by="asking Ecwid for the order that's named",
        notes="A notice holds no more than the order's id. So the kit asks for the whole order, and for the store's "
        "currency. An order that wasn't changed for a week isn't taken.",
        is_untried=True,
    )
    scheme = None
    sample = None
    always_says_what_was_bought = True
    asks = OrderById()
    # It sends again what isn't answered 200.
    reply = Reply("")
    rules: ClassVar[Mapping[str, Any]] = {**Ecwid.rules, "order_id": "id", "currency": _CURRENCY}
