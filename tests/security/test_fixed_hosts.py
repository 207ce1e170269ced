"""The client that asks shops: only the fixed hosts, by https, and only an answer that came whole counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from receiver.errors import ConfigurationError
from receiver.security import fixed_hosts
from receiver.security.fixed_hosts import AskLater, FixedHosts, Told
from receiver.security.http_client import new_pool
from tests.asked_shops import Answers, Asked, AskedShop, Said

HOST = "api.shop.example"
Ask = Callable[[str, Answers], AskedShop]


def ask(shop: AskedShop, path: str = "/order") -> Told:
    return FixedHosts(shop.pool, [HOST]).get(f"https://{HOST}{path}")


def test_it_asks_its_host_and_returns_what_that_said(ask_shop: Ask) -> None:
    shop = ask_shop(HOST, lambda asked: Said(404, asked.body or b"no", (("Content-Type", "text/plain"),)))
    client = FixedHosts(shop.pool, ["other.example", HOST])
    assert client.get(f"https://{HOST}/a?b=1", {"Authorization": "Bearer k"}) == Told(404, b"no", "text/plain")
    assert client.post(f"https://{HOST}/c", b"d=e") == Told(404, b"d=e", "text/plain")
    first, second = shop.questions
    assert (first.method, first.path, first.headers["authorization"]) == ("GET", "/a?b=1", "Bearer k")
    assert first.headers["user-agent"] == "order-receiver/1"
    assert (second.method, second.path, second.body) == ("POST", "/c", b"d=e")


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/",
        f"https://{HOST}:8443/",
        f"https://user:secret@{HOST}/",
        f"https://{HOST}.evil.example/",
        "https://evil.example/",
        f"https://evil.example/?{HOST}",
        f"https://evil.example#@{HOST}/",
        "https:///path",
    ],
)
def test_no_other_address_is_asked(ask_shop: Ask, url: str) -> None:
    shop = ask_shop(HOST, lambda _asked: Said())
    with pytest.raises(ConfigurationError, match=f"Only https://{HOST} may be asked") as caught:
        FixedHosts(shop.pool, [HOST]).get(url)
    assert "secret" not in str(caught.value)
    assert shop.questions == []


@pytest.mark.parametrize("status", [301, 302, 307, 408, 425, 429, 500, 502, 503])
def test_what_is_no_answer_is_asked_again_later(ask_shop: Ask, status: int) -> None:
    headers = (("Location", f"https://{HOST}/elsewhere"), ("Retry-After", "90"))
    shop = ask_shop(HOST, lambda _asked: Said(status, b"", headers))
    with pytest.raises(AskLater, match=f"{HOST} answered {status}") as caught:
        ask(shop)
    assert caught.value.retry_after == 90
    assert len(shop.questions) == 1


def test_too_long_an_answer_is_none(ask_shop: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_hosts, "MOST_BYTES", 10)
    shop = ask_shop(HOST, lambda asked: Said(200, b"x" * int(asked.path[1:])))
    assert ask(shop, "/10").body == b"x" * 10
    with pytest.raises(AskLater, match="answered more than 10 bytes"):
        ask(shop, "/11")


def test_an_answer_that_breaks_off_is_none(ask_shop: Ask) -> None:
    def broken(_asked: Asked) -> Said:
        return Said(200, b"half", (("Content-Length", "8"),))

    with pytest.raises(AskLater, match=f"{HOST} couldn't be asked: ProtocolError"):
        ask(ask_shop(HOST, broken))


def test_an_address_that_is_not_public_is_never_connected_to(ask_shop: Ask) -> None:
    shop = ask_shop(HOST, lambda _asked: Said())
    client = FixedHosts(new_pool(allow_private=False, https_only=True), [HOST])
    with pytest.raises(AskLater, match=f"{HOST} couldn't be asked: AddressRefused"):
        client.get(f"https://{HOST}/token-in-the-path")
    assert shop.questions == []


def test_a_host_with_another_certificate_is_none(ask_shop: Ask) -> None:
    shop = ask_shop(HOST, lambda _asked: Said())
    ask_shop("other.example", lambda _asked: Said())  # now this one's certificate alone is trusted
    with pytest.raises(AskLater, match=f"{HOST} couldn't be asked: SSLError"):
        ask(shop)
