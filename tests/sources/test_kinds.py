"""Kinds of source of the merchant's own: found, named by a table, and their mapping below that of file and console."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.orders import Mapping
from receiver.sources import Source, kinds
from receiver.sources.registry import Sources
from tests.served import Served, order_fields
from tests.sources.battery import KINDS

DOCS = (Path(__file__).parents[2] / "docs" / "map-names.md").read_text("utf-8")
MINE = """
    from receiver.sources import Source, source_kind

    @source_kind("mugs")
    class Mugs(Source):
        rules = {"order_id": "OrderRef", "currency": {"value": "GBP"}}
"""


def write(instance: Path, text: str, name: str = "mugs.py") -> Path:
    path = instance / "sources" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
    return path


def test_the_example_of_the_docs_reads_its_shops_names(instance: Path, serve: Callable[..., Served]) -> None:
    example = re.search(r"```python\n# instance/sources/(\w+\.py)\n(.*?)```", DOCS, re.DOTALL)
    assert example
    write(instance, example[2], example[1])
    shop = serve(sources={"mugs": {"kind": "mugshop"}})
    fields = {"OrderRef": "M-1", "BuyerEmail": "ada@shop.example", "Total": "19,99"}

    assert shop.post(fields, path="/orders/mugs").content["order_id"] == "M-1"
    assert shop.post(order_fields()).status == 202


def test_the_rules_of_the_table_win_over_those_of_its_kind(tmp_path: Path) -> None:
    write(tmp_path, MINE)
    table = {"kind": "mugs", "fields": {"order_id": "Ref", "total": "Sum"}}
    sources = Sources(tmp_path, {"eu": table, "uk": {"kind": "mugs"}, "plain": {}}, None, kinds.load(tmp_path))

    assert sources.problems == []
    eu, uk = sources.get("eu"), sources.get("uk")
    assert eu.mapping == Mapping.from_table({"order_id": "Ref", "currency": {"value": "GBP"}, "total": "Sum"})
    assert uk.mapping == Mapping.from_table({"order_id": "OrderRef", "currency": {"value": "GBP"}})
    assert (type(eu).__name__, type(sources.get("plain"))) == ("Mugs", Source)


def test_the_rules_of_the_console_win_over_those_of_its_kind(tmp_path: Path) -> None:
    write(tmp_path, MINE)
    uk = Sources(tmp_path, {"uk": {"kind": "mugs"}}, None, kinds.load(tmp_path)).get("uk")
    saved = {"order_id": "Saved"}
    assert uk.with_rules(saved).mapping == Mapping.from_table({**saved, "currency": {"value": "GBP"}})


@pytest.mark.parametrize("kind", ["x", ["x"], 3])
def test_a_kind_that_is_none_is_told(tmp_path: Path, kind: object) -> None:
    for found, named in (
        (kinds.Kinds(), "none is there"),
        (kinds.Kinds({"mugs": Source, "cups": Source}), "cups, mugs"),
    ):
        (problem,) = Sources(tmp_path, {"uk": {"kind": kind}}, None, found).problems
        assert problem == f"[sources.uk] in config.toml: kind must be one of: {named}."


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            'source_kind("x")(int)',
            "line 2 of mugs.py: TypeError: @source_kind('x') must mark a class",
        ),
        (
            '@source_kind("x")\nclass X(Source):\n    rules = {"nothing": "x"}',
            "line 2 of mugs.py: ConfigurationError: ",
        ),
        (
            '@source_kind("x")\nclass X(Source):\n    scheme = "hmac"',
            "line 2 of mugs.py: TypeError: the scheme of @source_kind('x') needs covers_body",
        ),
        (
            '@source_kind("x")\nclass X(Source):\n    kept_headers = "x-topic"',
            "line 2 of mugs.py: TypeError: kept_headers of @source_kind('x') must be a tuple",
        ),
        (
            '@source_kind("x")\nclass X(Source):\n    guide = "Click."',
            "line 2 of mugs.py: TypeError: guide of @source_kind('x') must be a Guide",
        ),
        (
            '@source_kind("x")\nclass X(Source):\n    sample = {"id": 1}',
            "line 2 of mugs.py: TypeError: sample of @source_kind('x') must be a Sample",
        ),
        ("1 / 0", "line 2 of mugs.py: ZeroDivisionError"),
        (textwrap.dedent(MINE), "@source_kind 'mugs' is there already; rename this one."),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_stops_no_other(
    instance: Path, make_app: Callable[..., Flask], code: str, said: str
) -> None:
    path = write(instance, f"from receiver.sources import Source, source_kind\n{code}\n")
    write(instance, MINE, "a.py")

    kit: Kit = make_app(sources={"uk": {"kind": "mugs"}}).extensions["receiver"]

    (problem,) = kit.sources.kinds.problems
    assert problem.startswith(str(path))
    assert said in problem
    assert kit.problems == []
    assert [one.text for one in diagnose(kit) if one.subject == "sources"] == [problem, "mugs"]


def test_an_installed_package_brings_one_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mugs_kind.py").write_text(textwrap.dedent(MINE))
    metadata = tmp_path / "mugs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mugs\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[receiver.sources]\nmugs = mugs_kind\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert [*kinds.load(tmp_path / "nowhere").types][-1] == "mugs"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_guide_holds_no_marks_but_those_that_are_shown_as_such(kind: str) -> None:
    guide = KINDS[kind].guide
    assert guide is not None
    for text in (*guide.clicks, guide.title, guide.calls_it, guide.notes, guide.missing, guide.when_quiet):
        assert not set("*`[]") & set(re.sub(r"\*\*[^*]+\*\*|`[^`]+`", "", text)), text
