"""Every page of the console that links lead to, each kind of page once."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from tests.web.console.visitor import Visitor

_LINK = re.compile(r'(?:href|src|action)="([^"]+)"')


def pages(visitor: Visitor, app: Flask, *, most: int | None = None) -> dict[str, str]:
    """Follow the links from the first page on; gives endpoint -> the path of the first such page that answered 200.

    ``most`` is how many pages of each kind are loaded at most; without it, every page that's linked to before.
    """
    adapter = app.url_map.bind("localhost")
    found: dict[str, str] = {}
    loaded = Counter[str]()
    seen = {"/admin/"}
    waiting = deque(seen)
    while waiting:
        path = waiting.popleft()
        kind = adapter.match(urlsplit(path).path, "GET")[0]
        if loaded[kind] == most:
            continue
        loaded[kind] += 1
        page = visitor.get(path, follow=False)
        if page.status != 200:
            continue
        found.setdefault(kind, path)
        if not page.headers["Content-Type"].startswith("text/html"):
            continue
        for link in _LINK.findall(page.html):
            parts = urlsplit(urljoin(path, html.unescape(link)))
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if parts.netloc or not parts.path.startswith("/admin/") or target in seen:
                continue
            try:
                endpoint = adapter.match(parts.path, "GET")[0]
            except HTTPException:
                continue
            if endpoint not in found:
                seen.add(target)
                waiting.append(target)
    return found
