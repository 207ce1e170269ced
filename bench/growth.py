"""Whether the kit stays as fast when many orders are stored: ``make bench-growth``.

Servers of the same code, each on a database of another size, are measured in turn, and compared with the smallest.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from bench import accepts, smtp_sink
from bench.figures import Spread, spread
from bench.filling import fill, kept_name, kit_of
from bench.finishes import finished_a_second, mailing
from bench.kits import ROOT
from bench.page_times import page_times
from bench.server import Served, serving_at
from bench.stores import Place, Store, chosen
from bench.table import README, growth_table
from docs.generate.figures import write
from receiver.app.components import Kit

SIZES = [int(size) for size in os.environ.get("SIZES", "1000,100000,1000000").split(",")]
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS", "3"))
#: Orders that are finished in a round.
ORDERS = int(os.environ.get("ORDERS", "300"))
#: How often each page is loaded.
LOADS = int(os.environ.get("LOADS", "9"))

#: Figures by what's measured, and by size.
Found = Mapping[str, Mapping[int, Sequence[float]]]


def main() -> None:
    """Measure each store, and print and keep the tables."""
    accepts.check()
    tables = []
    with smtp_sink.listening() as smtp_port:
        for store in chosen():
            for size in SIZES:
                fill(store, size, smtp_port)
            print(f"measuring {store.name} …", flush=True)
            found, pages = _measure(store, smtp_port)
            tables.append(growth_table(_spreads(found), SIZES, store.name))
            tables.append(growth_table(_spreads(pages), SIZES, f"{store.name}: page, ms"))
            print("\n" + "\n\n".join(tables[-2:]), flush=True)
    run = f"{ROUNDS} rounds of {SECONDS} s and {ORDERS} orders, {LOADS} loads of a page"
    write(README, "make bench-growth", "\n\n".join(tables), run)


def _measure(store: Store, smtp_port: int) -> tuple[Found, Found]:
    """Return the figures of the steps and of the pages, by size."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        places = {size: stack.enter_context(store.place(like=kept_name(size))) for size in SIZES}
        with ExitStack() as running:
            served = _serve(running, places, mailing(smtp_port))
            kits = {size: running.enter_context(kit_of(one, places[size])) for size, one in served.items()}
            pages = page_times({size: one.url for size, one in served.items()}, LOADS)
            for number in range(ROUNDS):
                for size in _in_turn(number):
                    found["finish, orders/s"][size].append(finished_a_second(served[size], ORDERS))
                    found["sweep, ms"][size].append(_sweep_milliseconds(kits[size]))
        with ExitStack() as running:
            served = _serve(running, places, {"EMBEDDED_WORKER": "false"})
            for number in range(ROUNDS):
                for size in _in_turn(number):
                    accepts.load(f"{served[size].url}/orders", f"warm{number}", seconds=1)
                    loaded = accepts.load(f"{served[size].url}/orders", f"run{number}", seconds=SECONDS)
                    found["accept, requests/s"][size].append(loaded.rate)
                    found["accept, p99, ms"][size].append(loaded.p99_milliseconds)
    return found, pages


def _serve(running: ExitStack, places: Mapping[int, Place], settings: Mapping[str, str]) -> dict[int, Served]:
    return {size: running.enter_context(serving_at(place, ROOT, settings)) for size, place in places.items()}


def _in_turn(number: int) -> Sequence[int]:
    return SIZES[::-1] if number % 2 else SIZES


def _sweep_milliseconds(kit: Kit) -> float:
    """Return how long it takes to look whether any job is due, as each process does each second."""
    queues: list[Callable[[], bool]] = [
        one.is_due for one in (kit.processor, kit.asking, kit.outbox, kit.transmissions, kit.registrations)
    ]
    started = time.perf_counter()
    for _ in range(20):
        for is_due in queues:
            is_due()
    return (time.perf_counter() - started) * 1000 / 20


def _spreads(found: Found) -> dict[str, list[Spread]]:
    """Return the figures by size, those that grow most with it first."""
    spreads = {name: [spread(by_size[size]) for size in SIZES] for name, by_size in found.items()}
    return dict(sorted(spreads.items(), key=lambda one: -one[1][-1].median / one[1][0].median))


if __name__ == "__main__":
    main()
