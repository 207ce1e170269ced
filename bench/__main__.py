"""Runs the measurements in rounds, prints the table, and writes it and its drawing into bench/README.md."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import accepts, finishes, relays, smtp_sink
from bench.drawing import drawing
from bench.figures import Figure, Line, lines, pairs
from bench.floors import by_hand
from bench.kits import BASE, ROOT, MeasuredKit, before, in_turn, kits
from bench.table import README, pairs_table, table
from docs.generate.figures import write

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS", "3"))
#: Orders that are finished, and sent on, in a round.
ORDERS = int(os.environ.get("ORDERS", "500"))
#: The parts of a round.
PARTS = ("accept", "finish", "relay")
ONLY = os.environ.get("ONLY", ",".join(PARTS)).split(",")
DRAWING = Path(__file__).with_name("figures.svg")


def main() -> None:
    """Run all rounds, and keep the figures of a full run."""
    accepts.check()
    if unknown := set(ONLY) - set(PARTS):
        raise SystemExit(f"ONLY={','.join(unknown)}: there's no such part; the parts are {', '.join(PARTS)}")
    rounds: list[list[Figure]] = []
    with kits() as measured, smtp_sink.listening() as smtp_port:
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS} …", flush=True)
            rounds.append([*_round(in_turn(measured, number), smtp_port)])
    found = lines(rounds)
    print(f"\n{table(found)}")
    if BASE:
        for kit in measured:
            if kit.code == ROOT:
                print(f"\n{kit.name}\n\n{pairs_table(pairs(rounds, before(kit), kit.name), BASE[:9])}")
    elif set(ONLY) == set(PARTS):
        _keep(found, [kit.name for kit in measured])


def _round(measured: Sequence[MeasuredKit], smtp_port: int) -> Iterator[Figure]:
    with by_hand(smtp_port) as url:
        if "accept" in ONLY:
            yield from accepts.of_floors(url, seconds=SECONDS)
            for kit in measured:
                yield from accepts.of_kit(kit, seconds=SECONDS)
        if "finish" in ONLY:
            yield from finishes.of_floors(url, smtp_port, count=ORDERS)
            for kit in measured:
                yield from finishes.of_kit(kit, smtp_port, count=ORDERS, seconds=SECONDS)
        if "relay" in ONLY:
            yield from relays.of_floor(url, count=ORDERS)
            for kit in measured:
                yield from relays.of_kit(kit, url, count=ORDERS)


def _keep(found: Sequence[Line], ours: Sequence[str]) -> None:
    DRAWING.write_text(drawing(found, ours), "utf-8")
    figures = f"{table(found)}\n\n![The figures of the table as bars]({DRAWING.name})"
    write(README, "make bench", figures, f"{ROUNDS} rounds of {SECONDS} s and {ORDERS} orders")


main()
