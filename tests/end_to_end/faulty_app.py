"""The app with a bug in it: recording an order whose id begins with BUG fails with everything that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from receiver import create_app
from receiver.app import serving
from receiver.intake.inbox import Inbox
from receiver.intake.inserting import Recorded
from receiver.security.keyring import Stored

app = create_app()
kit = app.extensions["receiver"]


class FaultyInbox(Inbox):
    """Fails on some orders as a bug would: with an error that repeats the data."""

    def record(self, row: Mapping[str, Any], verified_by: Stored) -> Recorded:
        if (row["order_id"] or "").startswith("BUG"):
            raise RuntimeError(f"cannot record {dict(row)}")
        return super().record(row, verified_by)


kit.reception = replace(kit.reception, inbox=FaultyInbox(kit.database))
serving.start(kit, work=True)
