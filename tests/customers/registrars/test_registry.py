"""Registrars of the merchant's own: found, chosen by REGISTRAR, given their settings, and judged in words."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.customers.registrars import Fields, registrar
from receiver.customers.registrars.registry import load
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import HandlerRow
from tests.served import Served, order_fields

DOCS = (Path(__file__).parents[3] / "docs" / "registering.md").read_text("utf-8")
MINE = """
    from receiver.customers.registrars import registrar

    @registrar("mine")
    class Mine:
        def __init__(self, settings):
            pass

        def register(self, customer):
            return "told"

        def check(self):
            return "mine: all well"
"""

TWO_WRONG = (
    "[registrar] in config.toml: file must be the file that customers are added to. "
    "size: Input should be a valid integer."
)


def write(instance: Path, text: str, name: str = "mine.py") -> Path:
    path = instance / "registrars" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
    return path


def kit_of(app: Flask) -> Kit:
    kit: Kit = app.extensions["receiver"]
    return kit


def test_the_example_of_the_docs_registers_a_customer(
    instance: Path, serve: Callable[..., Served], tmp_path: Path
) -> None:
    example = re.search(r"```python\n# instance/registrars/(\w+\.py)\n(.*?)```", DOCS, re.DOTALL)
    assert example
    write(instance, example[2], example[1])
    file = tmp_path / "members.txt"
    shop = serve(REGISTRAR="members", registrar={"file": str(file)})

    assert shop.post(order_fields()).status == 202
    shop.settled()
    shop.wait_for(lambda: any(row.state == "done" for row in shop.rows(RegistrationRow)))

    assert file.read_text() == "ada@shop.example\n"
    assert shop.rows(RegistrationRow)[0].detail == "added"
    assert f"members: {file}" in said_by_doctor(shop.kit, "registrar")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, 'REGISTRAR is "members", so config.toml needs a table [registrar]; '),
        ({"file": 3}, "[registrar] in config.toml: file must be the file that customers are added to."),
        ({"file": "x", "size": "big"}, "[registrar] in config.toml: size: Input should be a valid integer."),
        ({"size": 1}, "[registrar] in config.toml: file must be the file that customers are added to."),
        ({"file": 3, "size": "big"}, TWO_WRONG),
    ],
)
def test_its_settings_are_checked_by_its_model(
    instance: Path, make_app: Callable[..., Flask], table: dict[str, Any], problem: str
) -> None:
    model = """
        from pydantic import BaseModel, Field

        class Settings(BaseModel, strict=True):
            file: str = Field(description="the file that customers are added to")
            size: int = 0
    """
    code = textwrap.dedent(MINE).replace('"mine")', '"members", settings=Settings)')
    write(instance, textwrap.dedent(model) + code)

    (said,) = kit_of(make_app(REGISTRAR="members", registrar=table)).paused
    assert said.startswith(problem)


def test_a_key_that_is_none_of_its_settings_has_no_effect(instance: Path, make_app: Callable[..., Flask]) -> None:
    write(instance, MINE)
    kit = kit_of(make_app(REGISTRAR="mine", registrar={"url": "x"}))
    assert kit.paused == []
    assert any("[registrar] in config.toml" in warning and "'url'" in warning for warning in kit.setting_warnings)


def test_a_name_that_is_none_is_reported_with_those_that_are(instance: Path, make_app: Callable[..., Flask]) -> None:
    write(instance, MINE)
    (problem,) = kit_of(make_app(REGISTRAR="crm")).paused
    assert problem.startswith(
        "REGISTRAR must be one of accounts, http, mine, none, sql. Orders are taken; handlers and"
    )


def test_handlers_wait_while_the_name_is_none(serve: Callable[..., Served]) -> None:
    shop = serve(REGISTRAR="crm")
    assert shop.post(order_fields()).status == 202
    time.sleep(0.5)
    assert shop.rows(HandlerRow) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n", "has nothing marked with @registrar."),
        ("x = 1\n1 / 0\n", "cannot be loaded: line 2 of mine.py: ZeroDivisionError"),
        ("def (:\n", "cannot be loaded: line 1: invalid syntax"),
        (
            '@registrar("x")\nclass X:\n    pass\n',
            "line 2 of mine.py: TypeError: @registrar('x') must be on a class",
        ),
        ('registrar("none")\n', "line 2 of mine.py: ValueError: @registrar: none is a choice of REGISTRAR"),
        (textwrap.dedent(MINE).replace("mine", "sql"), "@registrar 'sql' is there already; rename this one."),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_stops_no_other(
    instance: Path, make_app: Callable[..., Flask], code: str, said: str
) -> None:
    head = "from receiver.customers.registrars import registrar\n" if "registrar(" in code else ""
    path = write(instance, head + code)
    write(instance, MINE, "other.py")

    kit = kit_of(make_app(REGISTRAR="mine"))

    (problem,) = kit.registrars.problems
    assert problem.startswith(str(path))
    assert said in problem
    assert kit.paused == []
    assert said_by_doctor(kit, "registrars") == [problem, "accounts, http, mine, none, sql"]


def test_one_that_cannot_be_made_or_checked_is_reported(instance: Path, make_app: Callable[..., Flask]) -> None:
    code = textwrap.dedent(MINE)
    write(instance, code.replace("        pass", '        raise OSError("no CRM")'))
    (problem,) = kit_of(make_app(REGISTRAR="mine")).paused
    assert problem == "The registrar mine cannot be made: OSError (mine.py, line 6)."

    write(instance, code.replace('return "mine: all well"', "return 1 / 0"))
    kit = kit_of(make_app(REGISTRAR="mine"))
    assert "its check failed: ZeroDivisionError: division by zero (mine.py, line 12)" in said_by_doctor(
        kit, "registrar"
    )


def test_an_installed_package_brings_one_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crm.py").write_text(textwrap.dedent(MINE))
    metadata = tmp_path / "crm-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: crm\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[receiver.registrars]\ncrm = crm\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert load(tmp_path / "nowhere").names == ["accounts", "http", "mine", "none", "sql"]


def test_the_mark_leaves_the_class_as_it_is() -> None:
    class Empty(BaseModel):
        """Has no settings."""

    @registrar("typed", settings=Empty)
    class Typed:
        def __init__(self, _settings: Empty) -> None:
            pass

        def register(self, customer: Fields) -> str:
            return str(customer["email"])

        def check(self) -> str:
            return "typed"

    assert Typed(Empty()).register({"email": "a@b"}) == "a@b"


def said_by_doctor(kit: Kit, subject: str) -> list[str]:
    return [one.text for one in diagnose(kit) if one.subject == subject]
