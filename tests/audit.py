"""Look the pinned packages up among the known holes: ``python -m tests.audit``.

Ends with 1 for a hole, and for a package that could not be looked up beside others that could; with 0, saying so,
when the index cannot be reached at all: from a machine without a network, or behind a mirror that knows no holes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ("requirements.txt", "requirements-dev.txt")
NOT_REACHED = "index not reached, audit left out"
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
    code, report = judged(ran.stdout, ran.stderr)
    sys.stdout.write(report + "\n")
    return code


def judged(output: str, errors: str) -> tuple[int, str]:
    """Judge what pip-audit printed: the exit code, and what to say."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        return (0, NOT_REACHED) if _CANNOT_CONNECT.search(errors) else (1, errors.strip() or "pip-audit said nothing")
    skipped = [package for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return 0, NOT_REACHED
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in: {', '.join(hole['fix_versions']) or 'none'}"
        for package in packages
        for hole in package.get("vulns", [])
    ]
    complaints = holes + [f"{package['name']}: {package['skip_reason']}" for package in skipped]
    return (1, "\n".join(complaints)) if complaints else (0, f"no known hole in {len(packages)} packages")


if __name__ == "__main__":
    sys.exit(main())
