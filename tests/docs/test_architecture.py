"""docs/architecture.md names the layers, the files of the accept path and where to change what, as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.accept_path import PLAIN, Call, files, returns, trace
from tests.test_import_rule import LAYERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    instance = tmp_path_factory.mktemp("traced") / "instance"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECEIVER_INSTANCE_PATH", str(instance))
        return trace(instance)


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_has_the_layers_of_the_import_rule() -> None:
    rows = re.findall(r"^\| (\d+) \| (?:`(\w+)`|.+?) \|", section("Packages"), re.MULTILINE)
    named = [{name for number, name in rows if int(number) == layer} for layer in range(1, len(LAYERS) + 1)]
    assert [{name.replace("receiver", "") for name in names} for names in named] == [set(names) for names in LAYERS]


def test_the_page_names_the_files_of_the_accept_path_in_order(calls: list[Call]) -> None:
    way = section("The way of one POST")
    rows = re.findall(r"^\| \d+ \| .*? \| (.*) \|$", way, re.MULTILINE)
    assert re.findall(r"`([^`]+)`", " ".join(rows)) == [file for file in files(calls) if file not in PLAIN]
    assert set(re.findall(r"`([^`]+)`", way.partition("Here these are")[2].partition(".\n")[0])) == set(PLAIN)


def test_the_accept_path_is_short_and_no_file_is_returned_to(calls: list[Call]) -> None:
    assert len([file for file in files(calls) if file not in PLAIN]) <= 26
    assert returns(calls) == []


def test_a_module_of_plain_values_reads_and_writes_nothing(calls: list[Call]) -> None:
    assert set(PLAIN) <= set(files(calls))
    for name in PLAIN:
        text = (ROOT / "receiver" / f"{name}.py").read_text("utf-8")
        imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))
        assert not imported & {"flask", "io", "os", "pathlib", "socket", "threading", "time", "urllib3"}, name
        assert not re.search(
            r"^from sqlalchemy(?:\.orm)? import .*\b(?:Session|select|insert)\b", text, re.MULTILINE
        ), name


def test_every_place_that_the_page_names_is_there() -> None:
    places = re.findall(r"`(receiver/[\w/.]+)`", section("Where to change what"))
    assert len(places) >= 18
    assert [place for place in places if not (ROOT / place).exists()] == []
    for file in re.findall(r"`(\w+/\w+)`", section("What happens next")):
        assert list(ROOT.glob(f"receiver/{file}*")), file
