"""The deliberate faults can still be put in, and the tests that catch them are there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.sabotage.faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_changes_the_code_and_names_a_test(fault: Fault) -> None:
    for edit in fault.edits:
        code = edit.made_in((ROOT / edit.file).read_text("utf-8"))
        assert ast.parse(code)
    file, *_, test = fault.caught_by.split("::")
    tree = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
    assert test in {node.name for node in tree if isinstance(node, ast.FunctionDef)}


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 12
