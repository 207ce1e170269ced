"""The registrar `sql`: rows of the website's table, found by email, added, and changed only in the columns named."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.security import check_password_hash

from receiver.customers.registrars import NotRegistered
from receiver.customers.registrars.registry import settings
from receiver.customers.registrars.sql import SqlRegistrar, SqlSettings
from receiver.errors import ConfigurationError
from tests.customers.registrars.people import REGISTERED, customer
from tests.customers.registrars.websites import COLUMNS, KINDS, Website, website


def made(table: dict[str, Any], **environment: str) -> SqlRegistrar:
    return SqlRegistrar(settings(SqlSettings, table), environment)


def registrar(site: Website, **changes: Any) -> SqlRegistrar:
    return made(site.settings(**changes))


def test_a_new_customer_is_added_with_every_column(site: Website) -> None:
    said = registrar(site).register(customer())

    (row,) = site.rows()
    assert said == f"added to {site.table}"
    assert (row["email"], row["first_name"], row["display_name"]) == ("zoe@kunde.de", "Zoë", "Zoë Müller")
    assert (row["phone"], row["role"], bool(row["consents"])) == ("+49 30 5550142", "customer", True)
    joined = row["joined"]
    assert str(joined)[:19] == f"{REGISTERED:%Y-%m-%d %H:%M:%S}"


def test_the_password_fits_no_password(site: Website) -> None:
    sql = registrar(site)
    sql.register(customer())
    sql.register(customer(email="other@kunde.de"))

    first, second = (row["password"] for row in site.rows())
    assert re.fullmatch(r"![A-Za-z0-9_-]{40}", first)
    assert first != second
    assert not any(check_password_hash(first, tried) for tried in ("", first, first[1:]))


def test_what_is_not_known_is_left_to_the_table(site: Website) -> None:
    registrar(site).register(customer(first_name=None, last_name=None, phone=None))

    (row,) = site.rows()
    assert (row["first_name"], row["display_name"], row["phone"]) == ("", None, None)


@pytest.mark.parametrize("spelling", ["zoe@kunde.de", "Zoe@Kunde.DE", " zoe@kunde.de "])
def test_a_row_that_is_there_is_found_in_any_spelling_and_left_as_it_is(site: Website, spelling: str) -> None:
    site.add(spelling, phone="1")
    before = site.rows()

    assert registrar(site).register(customer()) == f"known already in {site.table}"
    assert site.rows() == before


def test_only_the_columns_named_are_updated(site: Website) -> None:
    site.add("ZOE@kunde.de", display_name="Old", phone="1", role="editor")
    before = site.rows()[0]

    said = registrar(site, update=["phone", "display_name"]).register(customer())

    assert said == f"known already in {site.table}; updated: phone, display_name"
    assert site.rows() == [before | {"phone": "+49 30 5550142", "display_name": "Zoë Müller"}]


def test_what_is_not_known_empties_nothing_and_takes_no_consent_away(site: Website) -> None:
    site.add("zoe@kunde.de", phone="1", consents=True)
    before = site.rows()

    registrar(site, update=["phone", "consents"]).register(customer(phone=None, accepts_marketing=False))

    assert site.rows() == before


def test_a_constant_is_updated_whatever_it_is(site: Website) -> None:
    site.add("zoe@kunde.de", consents=True)
    columns = {**COLUMNS, "consents": False}

    registrar(site, columns=columns, update=["consents"]).register(customer())

    assert not site.rows()[0]["consents"]


def test_a_letter_that_a_collation_takes_for_another_is_another_customer(site: Website) -> None:
    """MariaDB's usual collation finds zoë where zoe is asked for."""
    site.add("zoë@kunde.de", phone="1")
    sql = registrar(site, update=["phone"])
    with suppress(NotRegistered):  # the table's own unique key may refuse her
        sql.register(customer())
    assert site.rows()[0]["phone"] == "1"


def test_a_row_that_the_website_adds_meanwhile_counts_as_there(site: Website) -> None:
    sql = registrar(site, update=["phone"])
    waiting = [lambda: site.add("zoe@kunde.de", phone="1")]

    @event.listens_for(sql._engine, "before_cursor_execute")
    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT") and waiting:
            waiting.pop()()

    assert sql.register(customer()).startswith("known already")
    assert [row["phone"] for row in site.rows()] == ["+49 30 5550142"]


def test_a_text_that_is_too_long_is_cut(site: Website) -> None:
    registrar(site).register(customer(first_name="Wolfeschlegelsteinhausen"))

    assert site.rows()[0]["first_name"] == "Wolfeschlegelsteinha"


def test_hostile_text_is_text(site: Website) -> None:
    hostile = "'); DROP--"
    registrar(site).register(customer(first_name=hostile, last_name="%s {email} :x"))

    assert (site.rows()[0]["first_name"], site.rows()[0]["display_name"]) == (hostile, f"{hostile} %s {{email}} :x")


@pytest.mark.parametrize("kind", KINDS)
def test_moments_and_truth_take_the_form_of_their_columns(kind: str, tmp_path: Path) -> None:
    create = """
        CREATE TABLE {name} (id {key}, email VARCHAR(190) UNIQUE,
        number BIGINT, day DATE, words VARCHAR(40), yes SMALLINT, yes_text VARCHAR(5), yes_words VARCHAR(20))
    """
    columns = {
        "email": "email",
        "number": "registered_at",
        "day": "registered_at",
        "words": "registered_at",
        "yes": "accepts_marketing",
        "yes_text": "accepts_marketing",
        "yes_words": "says {accepts_marketing}",
    }
    with website(kind, tmp_path, create) as site:
        registrar(site, columns=columns).register(customer())
        (row,) = site.rows()

    assert (row["number"], str(row["day"]), row["words"]) == (1795442700, "2026-11-23", "2026-11-23T14:05:00+00:00")
    assert (row["yes"], row["yes_text"], row["yes_words"]) == (1, "1", "says true")


def test_a_column_with_a_zone_gets_the_moment_itself(tmp_path: Path) -> None:
    create = "CREATE TABLE {name} (id {key}, email TEXT, joined TIMESTAMPTZ, since TIMESTAMPTZ, tags TSVECTOR)"
    since = datetime(2026, 1, 1, tzinfo=UTC)
    with website("postgresql", tmp_path, create) as site:
        columns = {"email": "email", "joined": "registered_at", "since": since, "tags": "name"}
        registrar(site, columns=columns).register(customer())
        (row,) = site.rows()

    assert (row["joined"], row["since"]) == (REGISTERED, since)
    assert "'Zoë'" in row["tags"]


def test_a_schema_may_stand_before_the_table(tmp_path: Path) -> None:
    with website("postgresql", tmp_path) as site:
        registrar(site, table=f"public.{site.table}").register(customer())
        assert len(site.rows()) == 1


def test_the_check_tells_that_all_columns_are_there_and_shows_no_password(site: Website) -> None:
    said = registrar(site).check()

    assert site.table in said
    assert site.rows() == []


def test_a_missing_table_is_named(site: Website) -> None:
    with pytest.raises(NotRegistered, match="has no table nowhere; correct"):
        registrar(site, table="nowhere").check()


def test_missing_columns_are_named_beside_those_that_are_there(site: Website) -> None:
    with pytest.raises(NotRegistered, match=r"has no column mail, nick; .* It has id, email, first_name"):
        registrar(site, columns={"mail": "email", "nick": "{name}", "role": {"value": 1}}).check()


def test_a_refused_value_is_reported_in_the_databases_words(site: Website) -> None:
    site.run("CREATE UNIQUE INDEX one_phone_users ON users (phone)")
    site.add("other@kunde.de", phone="+49 30 5550142")

    with pytest.raises(NotRegistered, match=r"The website's database says: .*[Uu][Nn][Ii][Qq][Uu][Ee]|Duplicate"):
        registrar(site).register(customer())
    assert len(site.rows()) == 1


def test_a_table_without_a_primary_key_cannot_be_updated(tmp_path: Path) -> None:
    with website("sqlite", tmp_path, "CREATE TABLE {name} (email TEXT, phone TEXT)") as site:
        columns = {"email": "email", "phone": "phone"}
        registrar(site, columns=columns).register(customer())
        with pytest.raises(NotRegistered, match="has no primary key"):
            registrar(site, columns=columns, update=["phone"]).check()


def test_a_server_that_is_away_is_reported(file_site: Website) -> None:
    away = {**file_site.settings(), "url": "mysql+pymysql://root@127.0.0.1:1/test"}
    with pytest.raises(NotRegistered, match=r"database says: .*Can't connect"):
        made(away).check()


def test_a_value_of_no_sql_kind_is_reported_too(file_site: Website) -> None:
    """SQLAlchemy itself refuses it, before any database does."""
    columns = {"email": "email", "joined": {"value": "yesterday"}, "first_name": "name", "password": "name"}
    with pytest.raises(NotRegistered, match="cannot be used"):
        registrar(file_site, columns=columns).register(customer())


def test_the_password_of_the_database_comes_from_the_environment(file_site: Website) -> None:
    url = "postgresql+psycopg://root:${SITE_PASSWORD}@127.0.0.1:1/test"
    sql = made(file_site.settings(url=url), SITE_PASSWORD="p@ss/w:rd")

    assert sql._engine.url.password == "p@ss/w:rd"
    with pytest.raises(NotRegistered) as error:
        sql.check()
    assert "p@ss" not in str(error.value)


def test_the_whole_url_may_be_a_variable(file_site: Website) -> None:
    sql = made(file_site.settings(url="${SITE}"), SITE=file_site.url)
    assert sql.check().startswith("sql: ")


def wrong(**changes: Any) -> dict[str, Any]:
    """Return a table that is right but for the changes."""
    return {"url": "sqlite://", "table": "users", "columns": COLUMNS, **changes}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (wrong(url=7), "url must be the SQLAlchemy URL of the website's database"),
        (wrong(url="no url"), "url cannot be read; it should look like"),
        (wrong(url="mysql+pymysql://u:p@h:port/d"), "url cannot be read; it should look like"),
        (wrong(url="nosuch://x"), "url begins with nosuch, which is no database that SQLAlchemy knows"),
        (wrong(url="mysql://x/y"), "run: .venv/bin/pip install mysqlclient"),
        (wrong(url="mssql+pyodbc://x/y"), "whose driver isn't installed; run: .venv/bin/pip install pyodbc"),
        (wrong(url="sqlite:////no/such/file"), "url names the file /no/such/file, which isn't there"),
        (wrong(url="${SITE}"), "url has ${SITE}, but the environment has no SITE; set it and restart"),
        (wrong(url="mysql+pymysql://u:${PW}@h/d"), "url has ${PW}, but the environment has no PW"),
    ],
)
def test_a_wrong_table_is_named_by_its_key(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        made(table)
    assert said in str(error.value)


def test_the_table_must_have_a_name(file_site: Website) -> None:
    with pytest.raises(ConfigurationError, match="table must be the name"):
        registrar(file_site, table="")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": {}}, "columns must be what each column of the table gets"),
        ({"columns": {"mail": "e-mail"}}, 'columns.mail is "e-mail", which is no field of a customer; a constant is'),
        ({"columns": {"mail": "{e_mail}"}}, "columns.mail has {e_mail}, which is no field of a customer; the fields"),
        ({"columns": {"mail": "{email!r}"}}, "columns.mail has {email}, which is no field"),
        ({"columns": {"mail": "{email"}}, "columns.mail has braces that don't pair"),
        ({"columns": {"mail": ["email"]}}, "columns.mail must be"),
        ({"columns": {"name": "{name}"}}, 'exactly one column as "email"'),
        ({"columns": {"a": "email", "b": "{email}"}}, 'exactly one column as "email"'),
        ({"update": "phone"}, "update must be a list of columns"),
        ({"update": [{}]}, "update names {}, which isn't in columns"),
        ({"update": ["nick"]}, "update names 'nick', which isn't in columns"),
        ({"update": ["email"]}, "email and password of an existing row never change"),
        ({"update": ["password"]}, "email and password of an existing row never change"),
    ],
)
def test_wrong_columns_are_named(file_site: Website, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        registrar(file_site, **changes)
    assert said in str(error.value)


def test_constants_may_be_of_any_kind_that_toml_has(file_site: Website) -> None:
    columns = {"email": "email", "first_name": {"value": "{x}"}, "password": 7, "joined": REGISTERED}
    registrar(file_site, columns=columns).register(customer())

    (row,) = file_site.rows()
    assert (row["first_name"], row["password"], str(row["joined"])[:10]) == ("{x}", "7", "2026-11-23")
