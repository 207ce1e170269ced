"""The import rule: a package imports lower layers only, read from the imports themselves, those in functions too.

It also limits how many entries the package has at its top, and how long a file may be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "receiver"

#: Lowest first. What stands on one line is of one layer, and none of it imports another of it.
LAYERS = (
    {"errors"},
    {"orders"},
    {"storage"},
    {"security"},
    {"settings"},
    {"mail", "sources"},
    {"intake", "customers", "relay"},
    {"handlers"},
    {"dispatch"},
    {"app"},
    {"web", "routes"},
    {""},
    {"testing"},
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
#: Who may know Flask besides what sits on top: Flask-Mail wants an app of its own, and the relay reads its own entry.
MAY_KNOW_FLASK = {"mail.transport", "mail.message", "mail.smtp", "relay.recording"}
#: The entry of ``app.extensions`` that a package may read besides what sits on top.
OWN_ENTRY = {"relay": "receiver.relay"}
#: What ``receiver/`` itself holds at most, ``py.typed`` counted too.
MOST_ENTRIES = 20
#: A file does one thing; a longer one is two.
MOST_LINES = 220
#: They hold tables alone, which are read where they're looked up and are better whole.
TABLES = {"storage.models"}


@cache
def modules() -> list[str]:
    """Return every file of ours by its dotted path inside the package; the package itself is empty text."""
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
    return sorted(".".join(path.with_suffix("").parts).removesuffix("__init__").rstrip(".") for path in paths)


def place(module: str) -> Path:
    found = ROOT.joinpath(*module.split("."))
    return found / "__init__.py" if found.is_dir() else found.with_suffix(".py")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(place(module).read_text("utf-8"))


def imported(module: str) -> Iterator[str]:
    """Give the full dotted name of everything imported anywhere in a file."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def ours(module: str) -> set[str]:
    """Return the modules of ours that a file imports."""
    names = {name.removeprefix("receiver").lstrip(".") for name in imported(module) if _is_ours(name)}
    return {name if name in modules() else name.rpartition(".")[0] for name in names}


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "receiver"


def package(module: str) -> str:
    return module.partition(".")[0]


def extensions_read(module: str) -> Iterator[str]:
    """Give the entries of ``app.extensions`` that a file reads; one that is not a plain text is a question mark."""
    for node in ast.walk(tree(module)):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="extensions"), slice=ast.Constant(value=str(entry))):
                yield entry
            case ast.Subscript(value=ast.Attribute(attr="extensions")):
                yield f"?{ast.unparse(node.slice)}"


def test_a_module_imports_lower_layers_only() -> None:
    too_high = {}
    for module in modules():
        others = {name for name in ours(module) if package(name) != package(module)}
        too_high[module] = {name for name in others if LAYER[package(name)] >= LAYER[package(module)]}
    assert {module: names for module, names in too_high.items() if names} == {}


def test_only_the_top_knows_flask() -> None:
    know = {
        module
        for module in modules()
        if {"flask", "flask_mail"} & {name.partition(".")[0] for name in imported(module)}
    }
    assert {module for module in know if not _is_on_top(module)} <= MAY_KNOW_FLASK


def test_only_the_top_reads_what_others_left_in_the_app() -> None:
    foreign = {
        module: set(extensions_read(module)) - {OWN_ENTRY.get(package(module)), "?EXTENSION"} for module in modules()
    }
    assert {module: entries for module, entries in foreign.items() if entries and not _is_on_top(module)} == {}


def _is_on_top(module: str) -> bool:
    return LAYER[package(module)] >= LAYER["app"]


def test_no_import_goes_in_a_circle() -> None:
    graph = {module: ours(module) - {module} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_layers_name_what_there_is() -> None:
    assert {package(module) for module in modules()} == set(LAYER)


def test_the_top_of_the_package_stays_short() -> None:
    entries = {path.name for path in ROOT.iterdir()} - {"__pycache__"}
    assert "py.typed" in entries
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_no_file_is_long_but_one_of_tables() -> None:
    lines = {module: len(place(module).read_text("utf-8").splitlines()) for module in modules()}
    assert {module for module, count in lines.items() if count > MOST_LINES} == TABLES


def test_the_app_is_made_inside_a_function_alone() -> None:
    """Importing the package stays cheap, and whoever imports a leaf pulls nothing else in."""
    body = [node for node in tree("").body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in body for alias in node.names} | {getattr(node, "module", "") for node in body}
    assert not any(str(name).startswith("receiver") for name in names)
