"""Every path that what's given in confidence can take: POSTs, commands, pages. A new one is one line here."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.end_to_end.canary import CARD, EMAIL, OTHER_SECRET, PERSON
from tests.served import FORM, SECRET, Reply, Served, signed

BODY = urlencode(PERSON).encode()
BROKEN = json.dumps(PERSON)[:-1].encode() + b",,}"
FOREIGN = {"BuyerEmail": EMAIL, "Buyer": "Zanzibarina", "AuthKey": SECRET, "Comment": f"my key is {SECRET}"}


class Way(NamedTuple):
    """One way that something can go: the status of its answer, and what's sent."""

    status: int
    sent: dict[str, str] | bytes
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


#: What each way of a POST is called -> the way.
WAYS = {
    "accepted by a header": Way(202, PERSON),
    "accepted by a field": Way(202, PERSON | {"order_id": "A-2", "shared_secret": SECRET, "remark": f"{SECRET} twice"}),
    "accepted by a signature": Way(202, BODY.replace(b"A-1", b"A-3"), {"signed": BODY.replace(b"A-1", b"A-3")}),
    "a copy": Way(200, PERSON),
    "a copy that differs": Way(200, PERSON | {"customer_note": "Quoxstreet is closed"}),
    "a test": Way(200, PERSON | {"order_id": "T-1", "test": "true"}),
    "ignored": Way(200, PERSON | {"order_id": "I-1", "order_status": "pending"}),
    "refunded": Way(202, {"order_id": "A-1", "event": "order.refunded", "refund_total": "5", "reason": EMAIL}),
    "cancelled": Way(202, PERSON | {"event": "order.cancelled"}),
    "updated": Way(202, PERSON | {"event": "order.updated", "billing_line1": "Quoxstreet 8"}),
    "parked": Way(202, FOREIGN, {"headers": {"X-Shared-Secret": SECRET}}),
    "parked by a wrong value": Way(202, PERSON | {"order_id": "P-1", "total": EMAIL}),
    "held back": Way(202, BODY.replace(b"A-1", b"H-1"), {"is_chunked": True}),
    "not read": Way(202, BROKEN, {"signed": BROKEN, "content_type": "application/json"}),
    "in quarantine": Way(202, PERSON, {"path": "/orders/asked", "prove": False}),
    "refused without a proof": Way(401, PERSON, {"prove": False}),
    "refused by a field": Way(401, PERSON | {"shared_secret": OTHER_SECRET}, {"prove": False}),
    "refused by a header": Way(401, PERSON, {"headers": {"X-Shared-Secret": OTHER_SECRET}}),
    "refused by a signature": Way(401, BODY.replace(b"Quox", b"quox"), {"signed": BODY}),
    "refused for a card": Way(422, PERSON | {"card_number": CARD, "cvv": "123", SECRET: "a secret for a name"}),
    "refused as no JSON": Way(400, json.dumps(PERSON)[:-9].encode(), {"content_type": "application/json"}),
    "refused as too large": Way(413, BODY + b"x" * 3_000_000),
    "no such source": Way(404, PERSON, {"path": f"/orders/{SECRET}"}),
    "a bug": Way(500, PERSON | {"order_id": "BUG-1"}),
}
#: Each command -> whether it's there to show people.
COMMANDS: dict[tuple[str, ...], bool] = {
    ("orders", "list", "--json"): True,
    ("orders", "list", "--parked"): False,
    ("orders", "export", "-"): True,
    ("orders", "show", "rcp_00000001"): True,
    ("orders", "show", "rcp_00000001", "--json"): True,
    ("orders", "explain", "rcp_00000002"): True,
    ("orders", "reread", "rcp_00000001"): True,
    ("orders", "replay", "--parked"): False,
    ("orders", "import", "saved.json", "--json"): False,
    ("orders", "import", "broken.json"): False,
    ("handlers", "run", "fails", "--order", "A-2", "--dry-run"): True,
    ("handlers", "list"): False,
    ("customers", "export", EMAIL): True,
    ("mail", "list"): True,
    ("relay", "show"): False,
    ("relay", "test"): True,
    ("relay", "transmissions", "--json"): False,
    ("customers", "list"): True,
    ("customers", "register", "--all"): False,
    ("mail", "preview", "order_confirmation", "--order", "rcp_00000001"): True,
    ("mail", "resend", "1"): True,
    ("orders", "dismiss", "P-1"): True,
    ("sources", "try", "saved.json"): True,
    ("prune",): False,
    ("secret", "list"): False,
    ("sources", "list"): False,
    ("doctor",): False,
}
#: Commands that aren't about orders or people that are here, or that print a new secret once, as they should.
OTHER_COMMANDS = frozenset(
    {
        *("init", "password", "backup", "restore", "database copy", "serve", "worker", "selftest", "customers erase"),
        *("handlers new", "mail customise", "secret add", "secret revoke"),
        *("relay enable", "relay disable", "relay rotate", "relay send"),
        *(f"sources {name}" for name in ("sample", "add", "secret", "revoke", "remove", "state")),
    }
)
#: The pages where nobody looks for a person.
IMPERSONAL = re.compile(r"/admin/(|figures|handlers|refused.*|settings|sources.*|add-source|password|help.*)")


def go(shop: Served, way: Way) -> Reply:
    """Send a POST this way."""
    options = dict(way.options)
    if "signed" in options:  # now: a signature is too old after five minutes
        options["headers"] = signed(options.pop("signed"))
    if not options.pop("is_chunked", False):
        return shop.post(way.sent, **options)
    headers = {"X-Shared-Secret": SECRET, "Content-Type": FORM}
    return shop.request("POST", "/orders", body=iter([way.sent]), headers=headers, chunked=True)
