"""docs/architecture.md names the layers, the files of the accept path and where to change what, as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.accept_path import Call, stations, trace
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
    rows = re.findall(r"^\| \d+ \| .*? \| (.*) \|$", section("The way of one POST"), re.MULTILINE)
    assert re.findall(r"`([^`]+)`", " ".join(rows)) == stations(calls)


def test_the_accept_path_is_short_and_walks_forward(calls: list[Call]) -> None:
    """orders/ is pure, plain values in and out; its files may be called from anywhere and are counted apart."""
    assert len([file for file in stations(calls) if not file.startswith("orders/")]) <= 25
    assert len(stations(calls)) <= 40
    assert {(call.caller, call.file) for call in calls if call.is_back} <= {
        ("storage/group_commit", "intake/inbox"),
        ("intake/inbox", "storage/group_commit"),
    }


def test_every_place_that_the_page_names_is_there() -> None:
    places = re.findall(r"`(receiver/[\w/.]+)`", section("Where to change what"))
    assert len(places) >= 18
    assert [place for place in places if not (ROOT / place).exists()] == []
    for file in re.findall(r"`(\w+/\w+)`", section("What happens next")):
        assert list(ROOT.glob(f"receiver/{file}*")), file
