"""Serve the app on a free port of this machine too, so that it can post to itself as a shop does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _Silent(WSGIRequestHandler):
    """A handler that logs no request: nobody asked for them."""

    def log_request(self, *_: Any, **_others: Any) -> None:
        """Log nothing."""


@contextmanager
def own_door(app: Flask) -> Iterator[str]:
    """Serve the app while the block runs; yield its address, such as ``http://127.0.0.1:40123``. Runs no jobs."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="own-door", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
