"""The website is told to erase a customer who is erased here, and what came of it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from receiver.customers import erasing, records
from receiver.customers.registrars import NotRegistered, registrations
from receiver.customers.registrars.http import HttpRegistrar, HttpSettings
from receiver.customers.registrars.registry import settings
from receiver.customers.registrars.sql import SqlRegistrar, SqlSettings
from receiver.errors import ConfigurationError
from receiver.orders import Customer, Order
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import CustomerRow
from tests.customers.registrars.people import REGISTERED
from tests.customers.registrars.websites import Website
from tests.hostile_servers import Answerer, Server, reply, serving
from tests.served import Served, order_fields

ADA = "ada@shop.example"
BODY = {"email": "{email}"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(reply("204 No Content")) as found:
        yield found


def sql(site: Website, **changes: Any) -> SqlRegistrar:
    return SqlRegistrar(settings(SqlSettings, site.settings(erase=True, **changes)))


def http(users: str, /, **erase: Any) -> HttpRegistrar:
    table = {"url": users, "allow_private": True, "body": BODY, "headers": {"X-Key": "${KEY}"}, "erase": erase}
    return HttpRegistrar(settings(HttpSettings, table), {"KEY": "k3y"})


def test_sql_deletes_the_rows_of_the_customer_in_any_spelling(site: Website) -> None:
    for email in ("zoe@kunde.de", "zoe@kunde.de.example", "other@kunde.de"):
        site.add(email)
    registrar = sql(site)
    assert registrar.erase("zoe@kunde.de") == f"1 row deleted from {site.table}"
    assert registrar.erase("zoe@kunde.de") == f"0 rows deleted from {site.table}"
    assert [row["email"] for row in site.rows()] == ["zoe@kunde.de.example", "other@kunde.de"]


def test_sql_deletes_nothing_without_a_primary_key(file_site: Website) -> None:
    file_site.run("CREATE TABLE plain (email TEXT)")
    registrar = sql(file_site, table="plain", columns={"email": "email"})
    with pytest.raises(NotRegistered, match="no primary key, by which rows are updated and erased"):
        registrar.erase("zoe@kunde.de")


@pytest.mark.parametrize("answer", [reply("204 No Content"), reply("404 Not Found"), reply("410 Gone")])
def test_http_makes_the_call_that_erases(answer: Answerer) -> None:
    with serving(answer) as server:
        said = http(server.url("/users"), url=server.url("/users/{email}")).erase("zoe+a/b@kunde.de")
        (request,) = server.requests
    assert said.startswith("the website answered ")
    assert request.line == "DELETE /users/zoe%2Ba%2Fb%40kunde.de HTTP/1.1"
    assert (request.headers["x-key"], request.body, "content-type" in request.headers) == ("k3y", b"", False)


def test_http_may_erase_by_a_body(server: Server) -> None:
    erase = {"url": server.url("/erase"), "method": "POST", "body": {"who": "{email}"}}
    http(server.url("/users"), **erase).erase("zoe@kunde.de")
    (request,) = server.requests
    assert (request.line, request.body) == ("POST /erase HTTP/1.1", b'{"who": "zoe@kunde.de"}')


@pytest.mark.parametrize(
    "erase", [{"url": "{0}/users"}, {"url": "{0}/{{email}}/{{phone}}"}, {"url": "ftp://a/{{email}}"}]
)
def test_a_call_that_erases_nobody_in_particular_is_refused(server: Server, erase: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        http(server.url(), url=erase["url"].format(server.url("")))


class Failing:
    """A registrar whose ``erase`` fails as it's told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def register(self, _customer: object) -> str:
        return "added"

    def check(self) -> str:
        return "here"

    def erase(self, _email: str) -> str:
        raise self.error


class Unable:
    """A registrar without ``erase``."""

    register, check = Failing.register, Failing.check


@pytest.mark.parametrize(
    ("registrar", "before", "said"),
    [
        (Unable(), "Not erased on your website: do that there.", "Your website wasn't told: erase them there."),
        (
            Failing(NotRegistered("No answer.")),
            "Your website is told to erase them too.",
            "Your website didn't erase them: No answer. Erase them there.",
        ),
        (
            Failing(KeyError("ada@shop.example")),
            "Your website is told to erase them too.",
            "Your website didn't erase them: KeyError. Erase them there.",
        ),
    ],
)
def test_whatever_the_website_does_the_person_is_erased_here_and_it_is_said(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture, registrar: Any, before: str, said: str
) -> None:
    kit = (shop := serve()).kit
    shop.post(order_fields(customer_email=ADA))
    shop.settled()
    assert erasing.of_website(registrar).startswith(before)
    done = erasing.everywhere(kit.database, kit.transport, registrar, ADA, secret_key=kit.secret_key)
    assert (done[0], done[1]) == (f"Erased {ADA}.", said)
    assert shop.rows(CustomerRow) == []
    assert ADA not in caplog.text


def test_what_the_website_says_of_the_person_is_told_without_their_values(serve: Callable[..., Served]) -> None:
    kit = (shop := serve()).kit
    shop.post(order_fields(customer_email=ADA, customer_phone="+44 20 7946 0018"))
    shop.settled()
    website = Failing(NotRegistered(f"{ADA}, 02079460018: they have a subscription."))
    done = erasing.everywhere(kit.database, kit.transport, website, ADA, secret_key=kit.secret_key)
    assert done[1] == "Your website didn't erase them: [email], [phone]: they have a subscription. Erase them there."


def test_no_registration_begins_between_the_website_and_here(serve: Callable[..., Served]) -> None:
    kit = (shop := serve(work=False)).kit
    with kit.database.write() as session:
        order = Order(order_id="A-1", order_date=REGISTERED, customer=Customer(email=ADA))
        records.apply_order(session, order, now=REGISTERED)
        registrations.want(session, session.get_one(CustomerRow, 1), now=REGISTERED)
    left: list[int] = []

    class Looking(Unable):
        def erase(self, _email: str) -> str:
            left.append(len(shop.rows(RegistrationRow)))
            return "gone"

    done = erasing.everywhere(kit.database, kit.transport, Looking(), ADA, secret_key=kit.secret_key)
    assert (left, done[1]) == ([0], "Your website was told to erase them: gone.")
