"""Settings: defaults, then config.toml, then the environment, then what the caller overrides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from receiver.errors import ConfigurationError
from receiver.settings import reading
from receiver.settings.definitions import SETTINGS

DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def read(folder: Path, environment: dict[str, str] | None = None, **overrides: Any) -> tuple[dict[str, Any], list[str]]:
    return reading.read(folder, environment or {}, overrides=overrides)


def write(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(text, "utf-8")


def test_an_empty_folder_gives_the_defaults(tmp_path: Path) -> None:
    values, problems = read(tmp_path)
    assert problems == []
    origins = dict.fromkeys(DEFAULTS, "default")
    database_url = f"sqlite:///{tmp_path}/receiver.sqlite"
    assert values == DEFAULTS | {
        "DATABASE_URL": database_url,
        "sources": {},
        "registrar": {},
        "origins": origins,
        "unknown": [],
    }


def test_each_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "From the file"\nTIMEZONE = "Europe/London"\nWORKER_THREADS = 0\n')
    origins = read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside", "RECEIVER_MAX_FIELDS": "many"})[0]["origins"]
    assert origins["SHOP_NAME"] == "environment"
    assert origins["TIMEZONE"] == "config.toml"
    assert origins["MAIL_PORT"] == "default"
    assert origins["WORKER_THREADS"] == origins["MAX_FIELDS"] == "default", "a wrong value is not in force"


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'\xef\xbb\xbfSHOP_NAME = "Mine"\n')
    values, problems = reading.read(tmp_path, {}, overrides={})
    assert (values["SHOP_NAME"], problems) == ("Mine", [])


@pytest.mark.parametrize("name", ["50%ab", "50%20b", "what?now", "a b#c", "grüße"])
def test_the_instance_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    values, _ = reading.read(tmp_path / name, {}, overrides={})
    assert make_url(values["DATABASE_URL"]).database == str(tmp_path / name / "receiver.sqlite")


def test_the_file_wins_over_the_default(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "Łukasz & Töchter"\nWORKER_THREADS = 2\n')
    values, problems = read(tmp_path)
    assert (values["SHOP_NAME"], values["WORKER_THREADS"], problems) == ("Łukasz & Töchter", 2, [])


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'SHOP_NAME = "From the file"\n')
    assert read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside"})[0]["SHOP_NAME"] == "From outside"


def test_an_override_wins_over_the_environment(tmp_path: Path) -> None:
    values, _ = read(tmp_path, {"RECEIVER_SHOP_NAME": "From outside"}, SHOP_NAME="From the caller")
    assert values["SHOP_NAME"] == "From the caller"


def test_the_registrars_table_is_read_from_the_file_or_overridden(tmp_path: Path) -> None:
    write(tmp_path, '[registrar]\ntable = "users"\n')
    assert read(tmp_path)[0]["registrar"] == {"table": "users"}
    assert read(tmp_path)[1] == []
    assert read(tmp_path, registrar={})[0]["registrar"] == {}


def test_sources_are_read_from_the_file_or_overridden(tmp_path: Path) -> None:
    write(tmp_path, '[sources.shopintegrator.fields]\norder_id = "Ref"\n')
    assert read(tmp_path)[0]["sources"] == {"shopintegrator": {"fields": {"order_id": "Ref"}}}
    assert read(tmp_path, sources={"other": {}})[0]["sources"] == {"other": {}}


@pytest.mark.parametrize(
    ("name", "text", "value"),
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
def test_the_environments_text_is_read_by_the_settings_type(tmp_path: Path, name: str, text: str, value: Any) -> None:
    values, problems = read(tmp_path, {f"RECEIVER_{name}": text})
    assert (values[name], problems) == (value, [])


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
    values, problems = read(tmp_path, {f"RECEIVER_{name}": text})
    assert problems == [problem]
    assert values[name] == DEFAULTS[name]


@pytest.mark.parametrize("line", ['WORKER_THREADS = "4"', "WORKER_THREADS = true", "WORKER_THREADS = 4.0"])
def test_a_value_of_another_type_is_wrong(tmp_path: Path, line: str) -> None:
    write(tmp_path, line)
    values, problems = read(tmp_path)
    assert problems == ["WORKER_THREADS must be a whole number such as 25, without quotes."]
    assert values["WORKER_THREADS"] == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('SHOPNAME = "x"', "'SHOPNAME', which is no setting and has no effect; is SHOP_NAME meant?"),
        ("mail_port = 25", "'mail_port', which is no setting and has no effect; is MAIL_PORT meant?"),
        ('WAREHOUSE = "x"', "'WAREHOUSE', which is no setting and has no effect."),
        ("[source.shop]", "'source', which is no setting and has no effect; is sources meant?"),
    ],
)
def test_a_name_that_is_no_setting_is_told_and_stops_nothing(tmp_path: Path, line: str, said: str) -> None:
    write(tmp_path, line)
    values, problems = read(tmp_path)
    assert (values["unknown"], problems) == ([f"config.toml has {said}"], [])


@pytest.mark.parametrize(
    "content", [b"SHOP_NAME = ", b'SHOP_NAME = "\xff"', b"x = " + 5000 * b"1", b"x = " + 5000 * b"["]
)
def test_a_file_that_is_not_toml_is_told_and_the_defaults_hold(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    values, (problem,) = read(tmp_path)
    assert problem.startswith(f"{tmp_path}/config.toml is not valid TOML: ")
    assert values["SHOP_NAME"] == "Example Shop"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read: Is a directory"):
        reading.read_file(tmp_path)


def test_the_secret_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(f"{'k' * 32}\n")
    assert read(tmp_path)[0]["SECRET_KEY"] == "k" * 32


def test_a_secret_key_of_the_environment_wins_over_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("k" * 32)
    assert read(tmp_path, {"RECEIVER_SECRET_KEY": "e" * 40})[0]["SECRET_KEY"] == "e" * 40


@pytest.mark.parametrize("content", [b"\xff\xfe" * 16, b"", b"k" * 31])
def test_a_secret_key_file_of_no_use_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    assert read(tmp_path)[0]["SECRET_KEY"] == ""


def test_a_problem_never_shows_a_secret(tmp_path: Path) -> None:
    values, problems = read(tmp_path, {"RECEIVER_SHARED_SECRETS": "hunter2", "RECEIVER_SECRET_KEY": "swordfish"})
    assert len(problems) == 2
    assert not any(word in " ".join(problems) for word in ("hunter2", "swordfish"))
    assert (values["SHARED_SECRETS"], values["SECRET_KEY"]) == ([], "")


def test_the_machines_environment_is_read_unless_another_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "RECEIVER_SHOP_NAME", "Of the machine")
    assert reading.read(tmp_path, overrides={})[0]["SHOP_NAME"] == "Of the machine"


def test_a_name_in_the_environment_that_is_no_setting_is_named(tmp_path: Path) -> None:
    said = "The environment has RECEIVER_MAIL_SERVR, which is no setting and has no effect; is MAIL_SERVER meant?"
    others = ("INSTANCE_PATH", "ADMIN_PASSWORD", "SERVICE_HOST", "PORT", "PORT_8000_TCP_ADDR", "SERVICE_PORT_HTTP")
    environment = {f"RECEIVER_{name}": "x" for name in ("MAIL_SERVR", *others)}
    values, problems = read(tmp_path, environment)
    assert (values["unknown"], problems) == ([said], [])
