"""Look the pinned packages up among the known holes: ``python -m tests.audit``.

Ends with 1 for a hole, for a package that could not be looked up, and when nothing could be: without a network, or
behind a mirror that knows no holes. AUDIT_OFFLINE=1 in the environment lets only the last of these pass, and says so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ("requirements.txt", "requirements-dev.txt")
NOT_REACHED = "No package could be looked up: the index was not reached, or knows no holes."
NOT_PASSED = f"{NOT_REACHED} Try where it can be reached, or set AUDIT_OFFLINE=1 to go on without an audit."
PASSED_OVER = f"{NOT_REACHED} Nothing was audited; AUDIT_OFFLINE lets this pass."
#: What pip-audit ends with when it could not connect: its own words, or the error that it let through.
_CANNOT_CONNECT = re.compile(
    r"may be blocking this service|^requests\.exceptions\.\w*(Connect|Proxy|SSL|Timeout)", re.MULTILINE
)


def main() -> int:
    """Audit both requirement files, print what was found and give the exit code."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    files = [word for name in FILES for word in ("--requirement", str(ROOT / name))]
    ran = subprocess.run(
        [sys.executable, "-m", "pip_audit", *options, *files], capture_output=True, text=True, check=False
    )
    code, report = judged(ran.stdout, ran.stderr, may_be_offline=bool(os.environ.get("AUDIT_OFFLINE")))
    sys.stdout.write(report + "\n")
    return code


def judged(output: str, errors: str, *, may_be_offline: bool = False) -> tuple[int, str]:
    """Judge what pip-audit printed: the exit code, and what to say."""
    nothing = (0, PASSED_OVER) if may_be_offline else (1, NOT_PASSED)
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        return nothing if _CANNOT_CONNECT.search(errors) else (1, errors.strip() or "pip-audit said nothing")
    skipped = [package for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return nothing
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in: {', '.join(hole['fix_versions']) or 'none'}"
        for package in packages
        for hole in package.get("vulns", [])
    ]
    complaints = holes + [f"{package['name']}: {package['skip_reason']}" for package in skipped]
    return (1, "\n".join(complaints)) if complaints else (0, f"no known hole in {len(packages)} packages")


if __name__ == "__main__":
    sys.exit(main())
