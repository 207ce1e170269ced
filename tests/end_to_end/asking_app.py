"""The app whose questions to Mollie reach a server of this machine: ASKED_PORT, trusted by SSL_CERT_FILE."""

from __future__ import annotations

import os
import socket
from typing import Any

from receiver import create_app
from receiver.app import serving
from receiver.security.http_client import new_pool

_HOST = "api.mollie.com"
_look_up = socket.getaddrinfo


def _lead_here(name: Any, *args: Any, **kwargs: Any) -> Any:
    if name == _HOST:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(os.environ["ASKED_PORT"])))]
    return _look_up(name, *args, **kwargs)


socket.getaddrinfo = _lead_here  # type: ignore[assignment]  # as it's called here
app = create_app()
kit = app.extensions["receiver"]
kit.asking.pool = new_pool(allow_private=True, https_only=True)
serving.start(kit, work=True)
