"""The pages of the console that links lead to: each kind of page once, or all of them."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from tests.web.console.visitor import Page, Visitor

_LINK = re.compile(r'(?:href|src|action)="([^"]+)"')


def pages(visitor: Visitor, app: Flask, *, most: int | None = None, without: Collection[str] = ()) -> dict[str, str]:
    """Follow the links from the first page on; gives endpoint -> the path of the first such page that answered 200.

    ``most`` is how many pages of each kind are loaded at most; without it, every page that's linked to before. The
    endpoints ``without`` aren't loaded.
    """
    found: dict[str, str] = {}
    loaded = Counter[str]()

    def is_wanted(endpoint: str) -> bool:
        return endpoint not in found and endpoint not in without

    for endpoint, path, page in _walk(visitor, app, is_wanted, loaded, most):
        if page.status == 200:
            found.setdefault(endpoint, path)
    return found


def every_page(visitor: Visitor, app: Flask) -> Iterator[tuple[str, Page]]:
    """Follow all links from the first page on, and yield the path and the answer of everything that they lead to.

    The pages of the help are left out: nothing that's stored is on them.
    """
    for _, path, page in _walk(visitor, app, lambda endpoint: not endpoint.startswith("console.help"), Counter(), None):
        yield path, page


def _walk(
    visitor: Visitor, app: Flask, is_wanted: Callable[[str], bool], loaded: Counter[str], most: int | None
) -> Iterator[tuple[str, str, Page]]:
    adapter = app.url_map.bind("localhost")
    seen = {"/admin/"}
    waiting = deque(seen)
    while waiting:
        path = waiting.popleft()
        endpoint = adapter.match(urlsplit(path).path, "GET")[0]
        if loaded[endpoint] == most:
            continue
        loaded[endpoint] += 1
        page = visitor.get(path, follow=False)
        yield endpoint, path, page
        if page.status != 200 or not page.headers["Content-Type"].startswith("text/html"):
            continue
        for target, kind in _targets(page, path, adapter):
            if target not in seen and is_wanted(kind):
                seen.add(target)
                waiting.append(target)


def _targets(page: Page, path: str, adapter: MapAdapter) -> Iterator[tuple[str, str]]:
    """Yield the pages of the console that a page links to, and their endpoints."""
    for link in _LINK.findall(page.html):
        parts = urlsplit(urljoin(path, html.unescape(link)))
        if parts.netloc or not parts.path.startswith("/admin/"):
            continue
        with suppress(HTTPException):
            yield parts.path + (f"?{parts.query}" if parts.query else ""), adapter.match(parts.path, "GET")[0]
