"""An upgrade under load: an older release serves while the database is upgraded, then this one takes over."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from sqlalchemy import text

from tests.end_to_end.processes import ROOT, granian, server_environment
from tests.end_to_end.starting import Starter
from tests.served import Served
from tests.smtp_servers import free_port
from tests.torture.fleet import ALONE, RETRIES, THREADS, answers, fleet_at
from tests.torture.inside import PARCELS
from tests.torture.judging import judge
from tests.torture.mailbox import counting_mailbox
from tests.torture.places import Place, kit_of
from tests.torture.results import Result
from tests.torture.senders import load_on
from tests.waiting import SOON, wait_for

#: The last commit of a release whose database this one upgrades: before the migration 0024.
OLD = "23edfc9"
_HANDLER = """
from sqlalchemy import text
from receiver.handlers import handler

@handler
def pack_parcel(order, context):
    context.session.execute(text("INSERT INTO parcels (order_id) VALUES (:id)"), {"id": order.order_id})
"""


def under_load(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Upgrade a database that the older release made, while it serves; then stop that, and start this release."""
    assert times == 1, "a place is upgraded once"
    port, shared = free_port(), {"WORKER_THREADS": THREADS, "RETRY_SCHEDULE": RETRIES}
    _remove_database(place)
    place = place._replace(kit=kit_of(place.settings))  # one kit reads one file
    shop = Served(f"http://127.0.0.1:{port}", place.kit)
    with counting_mailbox() as (mailbox, mail_settings):
        settings = {**shared, **mail_settings}
        with _older(place, port, settings) as older, load_on(shop.post) as load:
            wait_for(lambda: answers(shop), 2 * SOON)
            load.wait_until_orders_come_in()
            _flask("init", cwd=ROOT, settings=place.settings)
            load.wait_until_orders_come_in()
            older.terminate()
            older.wait()
            with fleet_at(place, starter, ALONE, port=port, **settings) as fleet:
                load.wait_until_orders_come_in()
                load.finish()
                result = judge(fleet, load.sent, mailbox.taken)
    shop.close()
    return replace(result, tried=times)


@contextmanager
def _older(place: Place, port: int, settings: Mapping[str, object]) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the place by the older release, with a database that it has made itself."""
    code = place.folder / "older"
    archive = subprocess.run(["git", "archive", OLD, "receiver", "wsgi.py"], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(code, filter="data")
    _flask("init", cwd=code, settings=place.settings)
    (place.instance / "handlers" / "pack_parcel.py").write_text(_HANDLER, "ascii")
    with place.kit.database.write() as session:
        session.execute(text(PARCELS))
    with (place.folder / "older.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *granian(port, workers=2)],
            cwd=code,
            env=server_environment(**place.settings, **settings),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _remove_database(place: Place) -> None:
    place.kit.database.engine.dispose()
    for path in place.instance.glob("receiver.sqlite*"):
        path.unlink()
    if place.postgresql:
        database = place.settings["DATABASE_URL"].rpartition("/")[2]
        place.postgresql.execute(f"DROP DATABASE {database} WITH (FORCE)")
        place.postgresql.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")


def _flask(*words: str, cwd: Path, settings: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "flask", *words]
    subprocess.run(command, cwd=cwd, env=server_environment(**settings), check=True, stdout=subprocess.DEVNULL)
