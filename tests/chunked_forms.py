"""Forms of which nothing shows that they are whole, as a server takes them that cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urlencode

from receiver.app.components import Kit
from receiver.intake.body import RawBody
from receiver.intake.reception import Delivery, Received
from tests.served import FORM, SECRET, order_fields

WHOLE = urlencode(order_fields(order_id="A-1", event_id="E-1"))
#: It breaks off in the name of the item.
CUT = WHOLE[: WHOLE.index("Enamel") + 3]


def post(kit: Kit, body: str, *, end_is_known: bool = False, headers: dict[str, str] | None = None) -> Received:
    """Take a form in, proven by the secret in a header unless other headers are given."""
    return kit.reception.receive(
        Delivery(
            source="shopintegrator",
            headers={"content-type": FORM} | (headers or {"x-shared-secret": SECRET}),
            body=RawBody(BytesIO(body.encode()), None, end_is_known),
            address=None,
            received_at=datetime.now(UTC),
        )
    )
