"""Forms of which nothing shows that they are whole, as a server takes them that cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import urlencode

from sqlalchemy import select

from receiver.app.components import Kit
from receiver.dispatch.replay import Replay, Replayed
from receiver.intake.body import RawBody
from receiver.intake.held_back import HeldBack
from receiver.intake.posts import Delivery
from receiver.intake.received import Received
from receiver.sources import saved_options
from receiver.storage.models import OrderRow
from tests.served import FORM, SECRET, order_fields

WHOLE = urlencode(order_fields(order_id="A-1", event_id="E-1"))
#: It breaks off in the name of the item.
CUT = WHOLE[: WHOLE.index("Enamel") + 3]


def post(kit: Kit, body: str, *, end_is_known: bool = False, headers: dict[str, str] | None = None) -> Received:
    """Take a form in, proven by the secret in a header unless other headers are given."""
    server = "gunicorn/24" if end_is_known else "granian"
    environ = {
        "wsgi.input": BytesIO(body.encode()),
        "wsgi.input_terminated": True,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": server,
    }
    return kit.reception.receive(
        Delivery(
            source_name="shopintegrator",
            source=kit.sources.find("shopintegrator"),
            headers={"content-type": FORM} | (headers or {"x-shared-secret": SECRET}),
            body=RawBody(environ),
            address=None,
            received_at=datetime.now(UTC),
        )
    )


def look(kit: Kit) -> None:
    HeldBack(kit.database).look()


def rows(kit: Kit) -> list[OrderRow]:
    with kit.database.read() as session:
        return list(session.scalars(select(OrderRow).order_by(OrderRow.id)))


def states(kit: Kit) -> list[tuple[str, str | None]]:
    return [(row.state, row.duplicate_of) for row in rows(kit)]


def replay(kit: Kit, *receipts: str, accept_incomplete: bool = False) -> list[Replayed]:
    names = receipts or [row.receipt for row in rows(kit) if row.state == "parked"]
    again = Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, accept_incomplete=accept_incomplete)
    return list(again.each(kit.database, names))


def accept(kit: Kit) -> None:
    with kit.database.write() as session:
        saved_options.accept_chunked_forms(session, "shopintegrator", accepted=True, now=datetime.now(UTC))
    kit.sources.look_again()
