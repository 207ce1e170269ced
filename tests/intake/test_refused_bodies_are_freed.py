"""A POST that was refused leaves the memory at once: nobody waits for Python to find rings of objects."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from receiver.intake.posts import Post
from receiver.security.failures import MOST
from tests.served import FORM, Served, order_fields
from tests.waiting import wait_for

JSON, MULTIPART = "application/json", "multipart/form-data; boundary=b"


@pytest.fixture
def _rings_stay() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _posts() -> int:
    return sum(type(one) is Post for one in gc.get_objects())


@pytest.mark.usefixtures("_rings_stay")
@pytest.mark.parametrize(
    ("send", "status"),
    [
        (lambda shop: shop.post(order_fields(), prove=False), 401),
        (lambda shop: shop.post(b'{"a": ', content_type=JSON), 400),
        (lambda shop: shop.post(b'{"a": ', content_type=JSON, prove=False), 400),
        (lambda shop: shop.post(b"--b\r\nx", content_type=MULTIPART), 400),
        (lambda shop: shop.post(b"[1, 2", content_type=FORM), 202),
        (lambda shop: shop.post(b"a&" * 30_000, content_type=FORM), 413),
        (lambda shop: shop.post(order_fields(), path="/orders/nobody"), 404),
    ],
)
def test_a_refused_post_is_freed(serve: Callable[..., Served], send: Callable[[Served], object], status: int) -> None:
    shop = serve(work=False)
    assert getattr(send(shop), "status", None) == status
    wait_for(lambda: _posts() == 0)


@pytest.mark.usefixtures("_rings_stay")
def test_a_sender_that_guesses_leaves_nothing_either(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    answers = [shop.post(order_fields(), prove=False).status for _ in range(MOST + 3)]
    assert answers[-1] == 429
    wait_for(lambda: _posts() == 0)
