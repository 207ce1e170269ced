"""In production the relay posts to public addresses over https alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.errors import ConfigurationError


@pytest.mark.parametrize("url", ["http://shop.example/orders", "https://127.0.0.1/orders", "https://[::1]/orders"])
def test_private_addresses_are_never_allowed_in_production(make_app: Callable[..., Flask], url: str) -> None:
    kit: Kit = make_app(PUBLIC_URL="https://shop.example", RELAY_ALLOW_PRIVATE=True).extensions["receiver"]
    with pytest.raises(ConfigurationError):
        kit.controls.save(enabled=True, url=url)
