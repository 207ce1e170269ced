"""Settings: defaults, then config.toml, then the environment, then what the caller overrides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url

from receiver.errors import ConfigurationError
from receiver.settings import reading
from receiver.settings.consequences import INSTEAD, NEEDED, WAITING
from receiver.settings.handler_tables import ALIASES
from receiver.settings.model import SETTINGS, plain
from receiver.settings.reading import Reading

KEY = "the key of a shop in these tests"
DEFAULTS = {name: field.default for name, field in SETTINGS.items()}


def read(folder: Path, environment: dict[str, str] | None = None, **overrides: Any) -> Reading:
    with patch.dict(os.environ, environment or {}):
        return reading.read(folder, overrides)


def value(found: Reading, name: str) -> Any:
    return plain(getattr(found.settings, name))


def wrong(found: Reading) -> list[str]:
    """Return what is wrong, without what that means."""
    return [f"{said.partition('. ')[0].rstrip('.')}." for said in (*found.problems, *found.paused)]


def write(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(text, "utf-8")


def test_an_empty_folder_gives_the_defaults(tmp_path: Path) -> None:
    found = read(tmp_path)
    database_url = f"sqlite:///{tmp_path}/receiver.sqlite"
    tables: dict[str, Any] = {"sources": {}, "registrar": {}, "handlers": {}}
    assert dict(found.settings) == DEFAULTS | {"DATABASE_URL": SecretStr(database_url), **tables}
    assert (found.problems, found.paused, found.waiting, found.unknown) == ((), (), frozenset(), ())
    assert found.origins == dict.fromkeys(DEFAULTS, "default")


def test_each_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "From the file"\nTIMEZONE = "Europe/London"\nWORKER_THREADS = 0\n')
    origins = read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside", "RECEIVER_MAX_FIELDS": "many"}).origins
    assert origins["SHOP_NAME"] == "environment"
    assert origins["TIMEZONE"] == "config.toml"
    assert origins["MAIL_PORT"] == "default"
    assert origins["WORKER_THREADS"] == origins["MAX_FIELDS"] == "default", "a wrong value is not in force"


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'\xef\xbb\xbfSHOP_NAME = "Mine"\n')
    found = read(tmp_path)
    assert (found.settings.SHOP_NAME, found.problems) == ("Mine", ())


@pytest.mark.parametrize("name", ["50%ab", "50%20b", "what?now", "a b#c", "grüße"])
def test_the_instance_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    url = read(tmp_path / name).settings.DATABASE_URL.get_secret_value()
    assert make_url(url).database == str(tmp_path / name / "receiver.sqlite")


def test_the_file_wins_over_the_default(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "Łukasz & Töchter"\nWORKER_THREADS = 2\n')
    found = read(tmp_path)
    assert (found.settings.SHOP_NAME, found.settings.WORKER_THREADS) == ("Łukasz & Töchter", 2)
    assert found.problems == ()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "From the file"\n')
    assert read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside"}).settings.SHOP_NAME == "From outside"


def test_an_override_wins_over_the_environment(tmp_path: Path) -> None:
    found = read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside"}, SHOP_NAME="From the caller")
    assert (found.settings.SHOP_NAME, found.origins["SHOP_NAME"]) == ("From the caller", "create_app")


def test_the_registrars_table_is_read_from_the_file_or_overridden(tmp_path: Path) -> None:
    write(tmp_path, '[registrar]\ntable = "users"\n')
    assert read(tmp_path).settings.registrar == {"table": "users"}
    assert read(tmp_path).problems == ()
    assert read(tmp_path, registrar={}).settings.registrar == {}


def test_sources_are_read_from_the_file_or_overridden(tmp_path: Path) -> None:
    write(tmp_path, '[sources.shopintegrator.fields]\norder_id = "Ref"\n')
    assert read(tmp_path).settings.sources == {"shopintegrator": {"fields": {"order_id": "Ref"}}}
    assert read(tmp_path, sources={"other": {}}).settings.sources == {"other": {}}


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("REQUIRE_SIGNATURE", "true", True),
        ("REQUIRE_SIGNATURE", " YES ", True),
        ("EMBEDDED_WORKER", "0", False),
        ("WORKER_THREADS", "8", 8),
        ("HANDLERS", "one, two,", ["one", "two"]),
        ("HANDLERS", "", []),
        ("RETRY_SCHEDULE", "1,2", [1, 2]),
        ("SHOP_NAME", "1", "1"),
    ],
)
def test_the_environments_text_is_read_by_the_settings_type(tmp_path: Path, name: str, text: str, meant: Any) -> None:
    found = read(tmp_path, {f"RECEIVER_{name}": text})
    assert (value(found, name), found.problems) == (meant, ())


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("REQUIRE_SIGNATURE", "maybe", "RECEIVER_REQUIRE_SIGNATURE must be true or false."),
        ("WORKER_THREADS", "four", "RECEIVER_WORKER_THREADS must be a whole number."),
        ("WORKER_THREADS", "65", "WORKER_THREADS must be 1 to 64."),
        ("RETRY_SCHEDULE", "soon", "RECEIVER_RETRY_SCHEDULE must be whole numbers with commas between."),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be debug, info, warning or error."),
    ],
)
def test_a_wrong_value_is_named_and_the_default_taken(tmp_path: Path, name: str, text: str, problem: str) -> None:
    found = read(tmp_path, {f"RECEIVER_{name}": text})
    assert wrong(found) == [problem]
    assert getattr(found.settings, name) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('WORKER_THREADS = "4"', "a whole number such as 4, without quotes"),
        ("WORKER_THREADS = true", "a whole number such as 4, without quotes"),
        ("WORKER_THREADS = 4.0", "a whole number such as 4, without quotes"),
        ("MAIL_USE_TLS = 1", "true or false, without quotes"),
        ("SHOP_NAME = 1", 'a text in quotes, such as "Example Shop"'),
        ("MAIL_PASSWORD = 1", 'a text in quotes, such as "text"'),
        ('HANDLERS = "one"', 'a list in brackets, such as ["register_customer", "my_handler"]'),
        ("HANDLERS = [1]", 'a list in brackets, such as ["register_customer", "my_handler"]'),
        ("HANDLERS = [['nested']]", 'a list in brackets, such as ["register_customer", "my_handler"]'),
        ("RETRY_SCHEDULE = [true]", "a list in brackets, such as [60, 300]"),
        ('RETRY_SCHEDULE = ["60"]', "a list in brackets, such as [60, 300]"),
        ("SHARED_SECRETS = [12345678901234567]", 'a list in brackets, such as ["whsec_…"]'),
        ('LOG_LEVEL = "loud"', "debug, info, warning or error"),
    ],
)
def test_a_value_of_another_type_is_named_with_an_example(tmp_path: Path, line: str, said: str) -> None:
    write(tmp_path, line)
    found = read(tmp_path)
    name = line.partition(" ")[0]
    assert wrong(found) == [f"{name} must be {said}."]
    assert getattr(found.settings, name) == DEFAULTS[name]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    write(tmp_path, 'WORKER_THREADS = 0\nSHOP_NAME = "Mine"\nMAIL_COLOUR = "blue"\n')
    found = read(tmp_path, {"RECEIVER_MAIL_PORT": "smtp"})
    assert [problem.partition(" ")[0] for problem in found.paused] == [
        "WORKER_THREADS",
        "RECEIVER_MAIL_PORT",
        "MAIL_COLOUR",
    ]
    assert found.settings.SHOP_NAME == "Mine"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('SHOPNAME = "x"', "'SHOPNAME', which is no setting and has no effect; is SHOP_NAME meant?"),
        ("mail_port = 25", "'mail_port', which is no setting and has no effect; is MAIL_PORT meant?"),
        ('WAREHOUSE = "x"', "'WAREHOUSE', which is no setting and has no effect."),
        ("[source.shop]", "'source', which is no setting and has no effect; is sources meant?"),
    ],
)
def test_a_name_that_is_no_setting_is_reported_and_stops_nothing(tmp_path: Path, line: str, said: str) -> None:
    write(tmp_path, line)
    found = read(tmp_path)
    assert (found.unknown, found.problems) == ((f"config.toml has {said}",), ())


@pytest.mark.parametrize(
    "content", [b"SHOP_NAME = ", b'SHOP_NAME = "\xff"', b"x = " + 5000 * b"1", b"x = " + 5000 * b"["]
)
def test_a_file_that_is_not_toml_is_reported_and_the_defaults_hold(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    found = read(tmp_path)
    (problem,) = found.problems
    assert problem.startswith(f"{tmp_path}/config.toml is not valid TOML: ")
    assert found.settings.SHOP_NAME == "Example Shop"


def test_a_wrong_value_of_a_list_is_named_by_its_number(tmp_path: Path) -> None:
    write(tmp_path, 'SHARED_SECRETS = ["a good secret of some length", "too short"]')
    (problem,) = read(tmp_path).problems
    assert problem.startswith("SHARED_SECRETS number 2 can't be a secret: A shared secret has at least 16 characters")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read: Is a directory"):
        reading.read_file(tmp_path)


def test_the_secret_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(f"{KEY}\n")
    assert value(read(tmp_path), "SECRET_KEY") == KEY


def test_a_secret_key_of_the_environment_wins_over_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(KEY)
    another = f"another than {KEY}"
    assert value(read(tmp_path, {"RECEIVER_SECRET_KEY": another}), "SECRET_KEY") == another


@pytest.mark.parametrize("content", [b"\xff\xfe" * 16, b"", b"k" * 31, b"k" * 64, b"changeme" * 5])
def test_a_secret_key_file_of_no_use_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    assert value(read(tmp_path), "SECRET_KEY") == ""


def test_a_problem_never_shows_a_secret(tmp_path: Path) -> None:
    found = read(tmp_path, {"RECEIVER_SHARED_SECRETS": "hunter2", "RECEIVER_SECRET_KEY": "swordfish"})
    assert len(found.problems) == 2
    assert not any(word in " ".join(found.problems) for word in ("hunter2", "swordfish"))
    assert (value(found, "SHARED_SECRETS"), value(found, "SECRET_KEY")) == ([], "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://h:6380",
        "redis://h/",
        "redis://me:pass@h:1/15",
        "rediss://:p%23@[::1]:6379/0",
        "redis://:p@q@h",
    ],
)
def test_a_redis_server_can_be_the_queue(tmp_path: Path, url: str) -> None:
    found = read(tmp_path, QUEUE_URL=url)
    assert (found.paused, value(found, "QUEUE_URL")) == ((), url)


@pytest.mark.parametrize(
    "url",
    [
        *("hunter2", "redis:", "redis://", "redis://:hunter2@", "redis://:hunter2@h:0", "redis://:hunter2@h:65536"),
        *("redis://:hunter2@h:port", "redis://:hunter2@h/name", "redis://:hunter2@h/0/1", "redis://:hunter2@h?db=1"),
        *(
            "redis://:hun#ter2@h",
            "redis://:hun/ter2@h",
            "redis://:hunter2@[h",
            "unix:///hunter2.sock",
            "amqp://hunter2",
        ),
    ],
)
def test_with_a_wrong_queue_orders_are_taken_and_it_is_not_shown(tmp_path: Path, url: str) -> None:
    found = read(tmp_path, QUEUE_URL=url)
    assert (found.problems, found.waiting, value(found, "QUEUE_URL")) == ((), frozenset(), "")
    said = "QUEUE_URL must be an address such as redis://:password@127.0.0.1:6379/0, or rediss:// for TLS; "
    assert found.paused[0].startswith(said)
    assert found.paused[0].endswith('Until it\'s fixed, "" holds.')
    assert "hun" not in found.paused[0]


def test_printed_settings_show_no_secret(tmp_path: Path) -> None:
    secrets: dict[str, Any] = {"SECRET_KEY": KEY, "SHARED_SECRETS": ["s" * 40], "MAIL_PASSWORD": "swordfish"}
    secrets["QUEUE_URL"] = "redis://:hunter2@host"
    found = read(
        tmp_path, **secrets, sources={"eu": {"secrets": ["t" * 40]}}, registrar={"url": "mysql://me:tiger@host"}
    )
    assert not any(
        word in f"{found}{found.settings!r}" for word in (KEY, "sss", "ttt", "swordfish", "tiger", "hunter2")
    )


def test_settings_cannot_be_changed_once_they_are_read(tmp_path: Path) -> None:
    settings: Any = read(tmp_path).settings
    with pytest.raises(ValidationError):
        settings.SHOP_NAME = "Another"


def test_a_name_in_the_environment_that_is_no_setting_is_named(tmp_path: Path) -> None:
    said = "The environment has RECEIVER_MAIL_SERVR, which is no setting and has no effect; is MAIL_SERVER meant?"
    others = ("INSTANCE_PATH", "ADMIN_PASSWORD", "SERVICE_HOST", "PORT", "PORT_8000_TCP_ADDR", "SERVICE_PORT_HTTP")
    environment = {f"RECEIVER_{name}": "x" for name in ("MAIL_SERVR", *others)}
    found = read(tmp_path, environment)
    assert (found.unknown, found.problems) == ((said,), ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("MAIL_PORT = 0", "MAIL_PORT must be 1 to 65535. Orders are taken; emails wait until it's fixed."),
        ("RETENTION_DAYS = -1", "RETENTION_DAYS must be 0 to 36500. Until it's fixed, 0 holds."),
        ('MAIL_COLOUR = "blue"', 'such as #1f5f8b. Until it\'s fixed, "" holds.'),
    ],
)
def test_what_a_wrong_setting_means_is_said(tmp_path: Path, line: str, said: str) -> None:
    write(tmp_path, line)
    assert read(tmp_path).paused[0].endswith(said)


def test_only_what_receiving_needs_stops_receiving(tmp_path: Path) -> None:
    write(tmp_path, 'MAX_FIELDS = 1\nMAIL_PORT = 0\nFORWARD_SECRET = "short"\n')
    found = read(tmp_path)
    assert found.problems == ("MAX_FIELDS must be 10 to 20000.",)
    assert len(found.paused) == 2
    assert found.waiting == {"mails", "orders", "transmissions"}


def test_what_names_settings_names_those_there_are() -> None:
    assert NEEDED | set(WAITING) | set(INSTEAD) <= set(SETTINGS)
    assert not NEEDED & set(WAITING)


def test_the_tables_of_handlers_are_read_from_file_environment_and_caller(tmp_path: Path) -> None:
    write(tmp_path, '[handlers.mine]\ntoken = "of the file"\nkind = "of the file"\nplace = "of the file"\n')
    variables = {
        "RECEIVER_HANDLERS__MINE__KIND": "of the environment",
        "RECEIVER_HANDLERS__MINE__PLACE": "of the environment",
        "RECEIVER_HANDLERS__A__B__KEY": "of a name with two lines",
    }
    found = read(tmp_path, variables, handlers={"mine": {"place": "of the caller"}})
    assert found.settings.handlers == {
        "mine": {"token": "of the file", "kind": "of the environment", "place": "of the caller"},
        "a__b": {"key": "of a name with two lines"},
    }
    assert (found.problems, found.paused, found.unknown) == ((), (), ())


def test_older_names_feed_the_tables_which_win(tmp_path: Path) -> None:
    write(tmp_path, 'CSV_FILE = "old.csv"\nCSV_ROWS = "items"\n[handlers.append_csv]\nfile = "new.csv"\n')
    assert read(tmp_path).settings.handlers == {"append_csv": {"file": "new.csv", "rows": "items"}}
    found = read(tmp_path, {"RECEIVER_CSV_FILE": "of the environment"}, CSV_BOM=False)
    assert found.settings.handlers["append_csv"] == {"file": "of the environment", "rows": "items", "bom": False}
    assert (found.paused, found.unknown) == ((), ())


@pytest.mark.parametrize("name", ["CSV_FILE", "CHAT_URL", "FORWARD_URLS"])
def test_an_older_name_that_is_empty_takes_away_what_the_file_gives(tmp_path: Path, name: str) -> None:
    handler, key = ALIASES[name]
    write(tmp_path, f'[handlers.{handler}]\n{key} = "given"\n')
    assert read(tmp_path, {f"RECEIVER_{name}": ""}).settings.handlers == {handler: {key: None}}


def test_tables_of_handlers_that_are_none_stay_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, 'CSV_FILE = "orders.csv"\nhandlers = 3\n')
    assert read(tmp_path).settings.handlers == 3
    write(tmp_path, 'CSV_FILE = "orders.csv"\n[handlers]\nappend_csv = 3\n')
    assert read(tmp_path).settings.handlers == {"append_csv": 3}
