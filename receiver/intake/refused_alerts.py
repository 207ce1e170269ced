"""The alerts about refused POSTs: those with a wrong secret, and those with card data."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from receiver.intake.refusal_advice import advice
from receiver.mail.alerts import Alert, CaseKind
from receiver.mail.reported import HAD_CARD_DATA, HAD_WRONG_SECRET
from receiver.storage.models import RefusalRow


def _described(session: Session, pk: int) -> Alert | None:
    row = session.get(RefusalRow, pk)
    if row is None:
        return None
    why = advice(row.reason)
    said = f"A POST to the source {row.source} was refused: {why.meaning[0].lower()}{why.meaning[1:]}"
    return Alert(
        headline=said,
        short=said,
        facts=(("Source", row.source), ("Reason", row.detail), ("Sent from", row.address or "")),
        lines=(why.next_step, "If it was an order, have it sent again after that: nothing of it was stored."),
        buttons=(("See what came", f"refused?reason={row.reason}&source={quote(row.source, safe='')}"),),
    )


def _kind(kind: str, several: str, most_an_hour: int, *conditions: Any) -> CaseKind:
    since = type_coerce(RefusalRow.at, BigInteger).label("since")
    return CaseKind(
        kind=kind,
        cases=select(RefusalRow.id.label("pk"), since, RefusalRow.id.label("counted")).where(*conditions),
        describe=_described,
        one=several.format("A POST").replace("were", "was"),
        several=several.format("{} POSTs"),
        path="refused",
        most_an_hour=most_an_hour,
    )


#: Anybody can send a wrong secret, so it's one email an hour.
WRONG_SECRET = _kind("wrong_secret", "{} were refused because of a wrong secret", 1, *HAD_WRONG_SECRET)
CARD_DATA = _kind("card_data", "{} were refused because of card data", 5, *HAD_CARD_DATA)
