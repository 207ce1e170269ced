"""Put each fault into a copy of the code and run the test that must fail then: ``python -m tests.sabotage``.

``ONLY=`` in the environment takes only the faults whose names hold one of these texts, with commas between them. Ends
with 1 if a fault wasn't caught.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docs.generate.figures import TRUST, aligned, write
from tests.sabotage.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
ONLY = os.environ.get("ONLY", "")
#: Seconds for a test that a fault may keep from ending; none that catches a fault takes nearly as long.
_LONGEST = 300
#: What pytest ends with: every test passed, or one of them failed. Anything else means that none was run.
_PASSED, _FAILED = 0, 1
_NO_END = -1


def main() -> int:
    """Try all faults, print and keep the table, and return the exit status."""
    faults = [fault for fault in FAULTS if not ONLY or any(one in fault.name for one in ONLY.split(","))]
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = Path(folder)
        _copy_code(copy)
        if (ended := _run(copy, sorted({fault.caught_by for fault in faults}))).returncode != _PASSED:
            sys.stdout.write(f"{ended.stdout}{ended.stderr}\nThe tests must pass before a fault is put in.\n")
            return 1
        results = [_try(copy, fault) for fault in faults]
    table = aligned([["fault", "caught by", "result"], *results], left=3)
    caught = sum(result == "caught" for *_, result in results)
    counted = f"{caught} of {len(faults)} caught"
    sys.stdout.write(f"\n{table}\n\n{counted}\n")
    if not ONLY:
        write(TRUST, "make sabotage", table, counted)
    return 0 if caught == len(faults) else 1


def _try(copy: Path, fault: Fault) -> list[str]:
    """Put one fault in, run its test, take the fault out, and return the fault's row."""
    before = {edit.file: (copy / edit.file).read_text("utf-8") for edit in fault.edits}
    for edit in fault.edits:
        file = copy / edit.file
        file.write_text(edit.made_in(file.read_text("utf-8")), "utf-8")
    ended = _run(copy, [fault.caught_by])
    for name, text in before.items():
        (copy / name).write_text(text, "utf-8")
    result = {_PASSED: "not caught", _FAILED: "caught"}.get(ended.returncode, "the test could not be run to its end")
    reason = next((line for line in ended.stdout.splitlines() if line.startswith("E  ")), "").strip()
    sys.stdout.write(f"{fault.name}: {result} {reason[:140]}\n")
    sys.stdout.flush()
    return [fault.name, f"`{fault.caught_by.rpartition('::')[2]}`", result]


def _copy_code(to: Path) -> None:
    """Copy the files that git knows, as they are now, into a folder."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


def _run(copy: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in the copy, which Python then imports instead of this code."""
    command = [sys.executable, "-m", "pytest", "-q", "--maxfail=1", "-p", "no:cacheprovider", "--tb=short", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    try:
        return subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, _NO_END, stdout="")


if __name__ == "__main__":
    sys.exit(main())
