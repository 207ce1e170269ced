"""A run of some parts of `make fuzz` keeps what came of them, and leaves the table of all parts as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate.figures import ROOT, TRUST

N, SEED = "100", "7"


@pytest.fixture
def kept() -> Iterator[Path]:
    folder = ROOT / "build" / f"fuzz-{N}-{SEED}"
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(parts: str) -> tuple[int, str]:
    variables = os.environ | {"N": N, "SEED": SEED, "PARTS": parts}
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_some_parts_write_no_table_and_are_kept_for_it(kept: Path) -> None:
    table = TRUST.read_text("utf-8")
    kept.mkdir(parents=True)
    (kept / "limits").write_text('{"lines": [["bodies", "1", "", "", "0"]], "seconds": 1, "commit": "x"}', "utf-8")
    status, said = run("limits,emails")
    assert (status, said.splitlines()[:2]) == (0, [f"limits: kept in {kept}", "emails ..."])
    assert "The table is written once these are done too: requests, patterns." in said
    assert {path.name for path in kept.iterdir()} == {"emails", "limits"}

    (kept / "emails").write_text('{"lines": [["emails", "1", "", "", "1"]], "seconds": 1, "commit": "x"}', "utf-8")
    status, said = run("emails")
    assert status == 1
    assert "Something is wrong with emails" in said
    assert {path.name for path in kept.iterdir()} == {"limits"}
    assert TRUST.read_text("utf-8") == table


def test_an_unknown_part_is_refused() -> None:
    status, said = run("email")
    assert status == 1
    assert "PARTS=email isn't known; choose from requests, emails, patterns, limits" in said
