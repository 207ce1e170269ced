"""The registrar `http`: one call of the website's API, made as its table says, and what the answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from receiver.customers.registrars import NotRegistered
from receiver.customers.registrars.http import HttpRegistrar, HttpSettings
from receiver.customers.registrars.registry import settings
from receiver.errors import ConfigurationError
from tests.customers.registrars.people import customer
from tests.hostile_servers import Answerer, Server, reply, serving

BODY: dict[str, Any] = {
    "email": "{email}",
    "full": "{first_name} {last_name}",
    "consent": "{accepts_marketing}",
    "company": "{company}",
    "since": "{registered_at}",
    "roles": ["customer", "{company}"],
    "meta": {"city": "{billing.city}", "level": 1, "new": True},
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(reply("201 Created", b"{}")) as found:
        yield found


def table(url: str, **changes: Any) -> dict[str, Any]:
    return {"url": url, "allow_private": True, "body": BODY, **changes}


def made(table: dict[str, Any], **environment: str) -> HttpRegistrar:
    return HttpRegistrar(settings(HttpSettings, table), environment)


def test_the_call_is_as_the_table_says(server: Server) -> None:
    headers = {"Authorization": "Bearer ${TOKEN}", "X-Shop": "mugs"}
    registrar = made(table(server.url("/users"), method="PUT", headers=headers), TOKEN="t0ken")

    assert registrar.register(customer()) == "the website answered 201"
    (request,) = server.requests
    assert request.line == "PUT /users HTTP/1.1"
    assert (request.headers["authorization"], request.headers["x-shop"]) == ("Bearer t0ken", "mugs")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "email": "zoe@kunde.de",
        "full": "Zoë Müller",
        "consent": True,
        "since": "2026-11-23T14:05:00+00:00",
        "roles": ["customer"],
        "meta": {"city": "Berlin", "level": 1, "new": True},
    }


def test_what_a_customer_typed_stays_inside_its_text(server: Server) -> None:
    hostile = '", "role": "admin", "x": "{email}\\'
    made(table(server.url())).register(customer(first_name=hostile, last_name=None))

    assert json.loads(server.requests[0].body)["full"] == hostile


@pytest.mark.parametrize(
    ("answer", "exists"),
    [
        (reply("409 Conflict"), [409]),
        (reply("422 No", b"{}"), [409, 422]),
        (reply("500 Error", b'{"code": "existing_user_email"}'), ["existing_user"]),
    ],
)
def test_an_answer_that_says_the_customer_is_there_is_a_success(answer: Answerer, exists: list[Any]) -> None:
    with serving(answer) as server:
        assert made(table(server.url(), exists=exists)).register(customer()).startswith("known already")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply("409 Conflict"), "The website answered 409."),
        (reply("302 Found", Location="http://127.0.0.1/"), "The website answered 302, a redirect, which is not"),
        (reply("500 Error", b"Your token\n t0ken fails"), "The website answered 500: Your token [secret] fails"),
        (reply("500 Error", b"x" * 90_000), "The website answered 500: " + "x" * 200),
    ],
)
def test_any_other_answer_is_reported_without_the_secret(answer: Answerer, said: str) -> None:
    with serving(answer) as server:
        registrar = made(table(server.url(), headers={"X-Token": "${TOKEN}"}), TOKEN="t0ken")
        with pytest.raises(NotRegistered) as error:
            registrar.register(customer())
    assert str(error.value).startswith(said)
    assert len(str(error.value)) < 300


def test_a_body_that_breaks_off_does_not_change_what_the_status_says() -> None:
    def broken(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\nx")

    with serving(broken) as server:
        assert made(table(server.url())).register(customer()) == "the website answered 201"


def test_a_website_that_is_away_is_reported_in_words() -> None:
    with pytest.raises(NotRegistered) as error:
        made(table("http://127.0.0.1:1/users")).register(customer())
    assert str(error.value) == "The website cannot be reached: 127.0.0.1 port 1: Connection refused"


def test_without_allow_private_no_address_inside_is_called(server: Server) -> None:
    """The name looks public in the table; where it leads is checked at the call."""
    url = f"https://127.0.0.1.nip.invalid:{server.port}/users"
    with pytest.raises(NotRegistered):
        made(table(url, allow_private=False)).register(customer())
    assert server.connections == 0


def test_the_check_calls_nobody(server: Server) -> None:
    assert made(table(server.url("/users"))).check().startswith("http: POST http://127.0.0.1")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": None}, "url must be the address"),
        ({"url": "ftp://x"}, "url: The URL must begin with"),
        ({"url": "http://site.example/", "allow_private": False}, "https://. For a website inside your own network"),
        ({"allow_private": "yes"}, "allow_private must be true or false"),
        ({"method": "GET"}, "method must be one of POST, PUT, PATCH"),
        ({"headers": []}, "headers must be a table"),
        ({"headers": {"Bad Name": ""}}, "headers.Bad Name is no header that can be set"),
        ({"headers": {"Content-Type": ""}}, "headers.Content-Type is no header that can be set"),
        ({"headers": {"X-A": 1}}, "headers.X-A must be text"),
        ({"headers": {"X-A": "${AWAY}"}}, "headers.X-A has ${AWAY}, but the environment has no AWAY"),
        ({"headers": {"X-A": "${LINES}"}}, "headers.X-A must be one line of visible ASCII"),
        ({"body": {}}, "body must be what is sent"),
        ({"body": {"mail": "x", "n": [1], "o": {"p": "{name}"}}}, 'body has "{email}" nowhere'),
        ({"body": {"a": {"b": ["{e_mail}"]}}}, "body.a.b[0] has {e_mail}, which is no field"),
        ({"body": {"a": object()}}, "body.a must be text, a number"),
        ({"exists": 409}, "exists must be a list of statuses"),
        ({"exists": [200]}, "exists must be a list of statuses"),
        ({"exists": [True]}, "exists must be a list of statuses"),
        ({"exists": [""]}, "exists must be a list of statuses"),
    ],
)
def test_a_wrong_table_is_named_by_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        made(table("http://127.0.0.1/users") | changes, LINES="a\nb")
    assert said in str(error.value)
