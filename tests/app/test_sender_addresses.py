"""Behind a proxy, whatever X-Forwarded-For holds, what's kept as the sender's address is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from receiver.storage.models import RefusalRow
from tests.served import Served


@pytest.mark.parametrize("said", ["198.51.100.7", "2001:db8::1"])
def test_the_address_that_the_proxy_names_is_kept(serve: Callable[..., Served], said: str) -> None:
    assert _kept(serve, said) == said


@pytest.mark.parametrize("said", ["198.51.100.7:443", "[198.51.100.7]:443"])
def test_a_port_that_the_proxy_adds_is_left_out(serve: Callable[..., Served], said: str) -> None:
    assert _kept(serve, said) == "198.51.100.7"


@pytest.mark.parametrize("said", ["unknown", "ada@shop.example", "x" * 5_000, "fe80::1%<b>", "a:443", "[x]:1", "1"])
def test_for_anything_else_it_is_that_of_the_connection(serve: Callable[..., Served], said: str) -> None:
    assert _kept(serve, said) == "127.0.0.1"


def _kept(serve: Callable[..., Served], said: str) -> str | None:
    shop = serve(work=False, TRUSTED_PROXIES=1)
    assert shop.post({"order_id": "A-1"}, prove=False, headers={"X-Forwarded-For": said}).status == 401
    shop.kit.refusals.flush()
    (refusal,) = shop.rows(RefusalRow)
    address: str | None = refusal.address
    return address
