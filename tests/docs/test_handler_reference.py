"""The reference of the handler contract is what docstrings and models say, and leaves nothing of it out."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from docs.generate.declared import SourceFile
from docs.generate.handler_reference import CONTEXT, CONTRACT, MODELS, REFERENCE, reference
from receiver import testing
from receiver.handlers import Handler
from receiver.handlers.context import Context
from receiver.handlers.unit_of_work import UnitOfWork

PAGE = reference()


def test_the_tracked_page_is_what_the_code_makes() -> None:
    """Run ``make docs`` after a change of the contract's docstrings."""
    assert REFERENCE.read_text("utf-8") == PAGE


def test_every_public_name_of_the_context_is_told_with_its_meaning() -> None:
    members = {one.name: one for one in CONTEXT.members("Context")}
    of_the_class = {name for name in vars(Context) if not name.startswith("_")}
    set_at_its_making = set(re.findall(r"self\.([a-z]\w*)(?=:| =)", inspect.getsource(Context.__init__)))
    assert len(set_at_its_making) >= 8
    assert members.keys() == of_the_class | set_at_its_making
    assert [name for name, one in members.items() if not (one.text and one.type)] == []
    for name, one in members.items():
        assert f"context.{name}(" in PAGE if one.is_method else f"| `context.{name}` |" in PAGE


def test_what_is_for_the_kit_is_out_of_a_handlers_reach() -> None:
    kits = {name for name in vars(UnitOfWork) if not name.startswith("_")} - {"session"}
    assert {"transaction", "close", "cut_off"} <= kits
    assert [name for name in kits if hasattr(Context, name)] == []


def test_every_option_stands_there_with_default_and_meaning() -> None:
    rows = {one.name: one for one in CONTRACT.members("Handler") if one.default}
    options = [name for name in inspect.signature(Handler).parameters if name not in {"name", "function"}]
    assert list(rows) == options
    for name, one in rows.items():
        assert one.text
        assert f"    {name}: {one.type} = " in PAGE
        assert f"| `{name}` | `{one.type.replace('|', chr(92) + '|')}` | `{one.default}` | {one.text} |" in PAGE


@pytest.mark.parametrize("model", MODELS)
def test_every_field_of_the_order_has_type_meaning_and_example(model: type[BaseModel]) -> None:
    section = PAGE.split(f"### `{model.__name__}`\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.+?) \| `(.+)` \|$", section, re.MULTILINE)
    assert [name for name, *_ in rows] == list(model.model_fields)
    assert all(all(row) for row in rows)


def test_fixtures_and_battery_of_an_authors_tests_are_told() -> None:
    fixtures = [name for name, value in vars(testing).items() if "Fixture" in type(value).__name__]
    battery = [name for name in vars(testing.HandlerCases) if name.startswith("test_")]
    assert len(fixtures) >= 7
    assert len(battery) >= 5
    assert [name for name in (*fixtures, *battery) if f"| `{name}` |" not in PAGE] == []


def test_it_reads_well() -> None:
    assert re.findall(r"ForwardRef|typing\.|<class|receiver\.\w+\.\w+\.|logging\.|(?<!`)``(?!`)", PAGE) == []
    assert re.findall(r"\| +\|$", PAGE, re.MULTILINE) == []


def test_a_source_file_tells_what_it_declares(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        '"""Says it."""\n'
        "class Thing:\n"
        '    """Is a thing."""\n'
        "    #: How many,\n"
        "    #: from 0.\n"
        "    count: int = 0\n"
        "    _hidden: int = 0\n"
        "    def __init__(self, name: str) -> None:\n"
        "        #: Its name.\n"
        "        self.name: str = name\n"
        "        self._own: str = name\n"
        "    @property\n"
        "    def size(self) -> float: return 1.0\n"
        "    def grow(\n"
        "        self,\n"
        "        by: float = 1,\n"
        "    ) -> None:\n"
        '        """Make it larger."""\n'
        "def _helper() -> None: ...\n"
    )
    found = SourceFile(file)

    (thing,) = found.classes()
    assert (found.text, thing.text, thing.call) == ("Says it.", "Is a thing.", "Thing(name: str) -> None")
    assert found.functions() == []
    count, name, size, grow = found.members("Thing")
    assert (count.name, count.type, count.default, count.text) == ("count", "int", "0", "How many, from 0.")
    assert (name.name, name.type, name.default, name.text) == ("name", "str", "", "Its name.")
    assert (size.type, size.is_method) == ("float", False)
    assert (grow.call, grow.text, grow.is_method) == ("grow(\n    by: float = 1,\n) -> None", "Make it larger.", True)
