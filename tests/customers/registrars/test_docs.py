"""docs/registering.md: its examples work as they stand."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from receiver.customers.registrars import customer_fields
from receiver.customers.registrars.http import HttpRegistrar, HttpSettings
from receiver.customers.registrars.registry import settings
from receiver.customers.registrars.sql import SqlRegistrar, SqlSettings
from tests.customers.registrars.people import customer
from tests.customers.registrars.websites import website
from tests.hostile_servers import reply, serving

TEXT = (Path(__file__).parents[3] / "docs" / "registering.md").read_text("utf-8")
TABLES = [tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)]


def example(name: str) -> dict[str, Any]:
    (found,) = [table["registrar"] for table in TABLES if table.get("REGISTRAR") == name]
    return dict(found)


def test_the_table_of_a_database_works(tmp_path: Path) -> None:
    create = """CREATE TABLE {name} (id {key}, email VARCHAR(190) UNIQUE, display_name VARCHAR(50), role VARCHAR(20),
        password VARCHAR(90), joined DATETIME)"""
    SqlRegistrar(settings(SqlSettings, example("sql")), {"WEBSITE_PASSWORD": "x"})
    with website("mariadb", tmp_path, create) as site:
        sql = SqlRegistrar(settings(SqlSettings, example("sql") | {"url": site.url, "table": site.table}))
        sql.register(customer())
        assert sql.register(customer(first_name="Zoe")).endswith("updated: display_name")
        (row,) = site.rows()

    assert (row["email"], row["display_name"], row["role"]) == ("zoe@kunde.de", "Zoe Müller", "customer")


def test_the_call_of_wordpress_works() -> None:
    """WordPress answers 500 with a code of its own for a user who is there."""
    users: dict[str, Any] = {}
    login = base64.b64encode(b"admin:abcd EFGH").decode()

    def wordpress(connection: Any) -> None:
        request = server.requests[-1]
        user = json.loads(request.body)
        if request.headers["authorization"] != f"Basic {login}":
            reply("401 Unauthorized", b'{"code": "rest_cannot_create_user"}')(connection)
        elif user["username"] in users:
            reply("500 Error", b'{"code": "existing_user_login"}')(connection)
        else:
            users[user["username"]] = user
            reply("201 Created", b'{"id": 7}')(connection)

    table = example("http")
    HttpRegistrar(settings(HttpSettings, table), {"WORDPRESS_LOGIN": login})
    with serving(wordpress) as server:
        url = server.url("/wp-json/wp/v2/users")
        registrar = HttpRegistrar(
            settings(HttpSettings, table | {"url": url, "allow_private": True}), {"WORDPRESS_LOGIN": login}
        )
        assert registrar.register(customer()) == "the website answered 201"
        assert registrar.register(customer()) == "known already, the website answered 500"

    assert users["zoe@kunde.de"]["roles"] == ["subscriber"]
    assert len(users["zoe@kunde.de"]["password"]) == 41


def test_every_field_is_named() -> None:
    for name in customer_fields.NAMES:
        kind, _, part = name.rpartition(".")
        assert f"`{part}`" in TEXT
        assert not kind or f"`{kind}.`" in TEXT


def test_the_call_that_erases_is_taken() -> None:
    (erase,) = [table["registrar"] for table in TABLES if "erase" in table.get("registrar", {})]
    assert HttpRegistrar(settings(HttpSettings, example("http") | erase), {"WORDPRESS_LOGIN": "x"}).erases
