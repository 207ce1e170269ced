"""Backups under load: each holds every order that was acknowledged before it began, and can be served."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from sqlalchemy import select

from receiver.storage.models import OrderRow
from tests.end_to_end.processes import ROOT, server_environment
from tests.end_to_end.starting import Starter
from tests.torture.fleet import ALONE, fleet_at
from tests.torture.judging import integrity
from tests.torture.places import Place, kit_of
from tests.torture.results import Result
from tests.torture.scenes import scene_at


def under_load(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Back up so many times, then restore each copy and serve it."""
    copies: list[tuple[Path, Mapping[str, str]]] = []
    with scene_at(place, starter) as scene:
        for number in range(times):
            scene.load.wait_until_orders_come_in()
            acknowledged = scene.load.sent.acknowledged
            copy = place.folder / f"copy-{number}"
            _run("backup", str(copy), settings=place.settings)
            copies.append((copy, acknowledged))
        result = scene.judged()
    lost = sum(_lost(place, starter, copy, acknowledged) for copy, acknowledged in copies)
    return replace(result, tried=times, lost=result.lost + lost)


def _lost(place: Place, starter: Starter, copy: Path, acknowledged: Mapping[str, str]) -> int:
    """Restore a copy beside the place, and return how many of these orders it lacks; 1 if it can't be served."""
    with _restored(place, copy) as restored:
        damages = len([found for found in integrity(restored.kit) if found != "ok"])
        kept = Counter((row.order_id or "", row.receipt) for row in _rows(restored))
        lost = (Counter(acknowledged.items()) - kept).total()
        with fleet_at(restored, starter, ALONE, EMBEDDED_WORKER=False) as fleet:
            return lost + damages + (fleet.shop.request("GET", "/readyz").status != 200)


def _rows(place: Place) -> list[OrderRow]:
    with place.kit.database.read() as session:
        return list(session.scalars(select(OrderRow)))


@contextmanager
def _restored(place: Place, copy: Path) -> Iterator[Place]:
    """Put a copy where an instance finds it, as the docs say."""
    folder = place.folder / f"{copy.name}-restored"
    (archive,) = copy.iterdir()
    settings = {**place.settings, "INSTANCE_PATH": str(folder / "instance")}
    if place.postgresql:
        place.postgresql.execute(f"CREATE DATABASE {_name(copy)} TEMPLATE template0 ENCODING 'UTF8'")
        settings["DATABASE_URL"] = place.postgresql.url(_name(copy))
    _run("restore", str(archive), settings=settings)
    kit = kit_of(settings)
    try:
        yield place._replace(folder=folder, kit=kit, settings=settings)
    finally:
        kit.database.engine.dispose()
        if place.postgresql:
            place.postgresql.execute(f"DROP DATABASE {_name(copy)} WITH (FORCE)")


def _name(copy: Path) -> str:
    return copy.name.replace("-", "_")


def _run(*words: str, settings: Mapping[str, str]) -> None:
    """Run a command of the kit; raises CalledProcessError."""
    command = [sys.executable, "-m", "flask", *words]
    subprocess.run(command, cwd=ROOT, env=server_environment(**settings), check=True, stdout=subprocess.DEVNULL)
