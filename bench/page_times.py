"""How long each page of the console takes, on servers whose databases differ in size."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from bench.server import PASSWORD
from receiver import create_app
from tests.web.console.visitor import Visitor
from tests.web.console.walking import pages

#: Some pages are linked to from one of several others only, such as that of an order that's parked.
_MOST_OF_A_KIND = 5
#: Files that hold all there is.
_FILES = {"console.orders_csv", "console.customers_csv"}


def page_times(urls: Mapping[int, str], loads: int) -> dict[str, dict[int, list[float]]]:
    """Load every kind of page in turns; return its milliseconds by its endpoint and the size of the database."""
    visitors = {size: _signed_in(url) for size, url in urls.items()}
    app = create_app()
    paths = {size: pages(visitor, app, most=_MOST_OF_A_KIND, without=_FILES) for size, visitor in visitors.items()}
    everywhere = set.intersection(*(set(found) for found in paths.values()))
    taken: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(loads):
        for endpoint in sorted(everywhere):
            for size, visitor in visitors.items():
                taken[endpoint][size].append(_load(visitor, paths[size][endpoint]))
    return taken


def _signed_in(url: str) -> Visitor:
    visitor = Visitor(url)
    visitor.sign_in(PASSWORD)
    return visitor


def _load(visitor: Visitor, path: str) -> float:
    """Load a page once and return its milliseconds."""
    started = time.perf_counter()
    status = visitor.get(path, follow=False).status
    if status != 200:
        raise SystemExit(f"{path} answered {status}; the figures mean nothing")
    return (time.perf_counter() - started) * 1000
