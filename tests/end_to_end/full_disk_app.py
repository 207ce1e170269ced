"""The app on a database that may not grow by one page: what SQLite meets on a full disk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from receiver import create_app
from receiver.app import serving

app = create_app()
kit = app.extensions["receiver"]


@event.listens_for(kit.database.engine, "connect")
def _allow_no_growth(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA max_page_count=1")  # SQLite takes the present size when told less


serving.start(kit, work=False)
