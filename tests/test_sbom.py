"""What `make sbom` writes: everything that's deployed, as it's pinned."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+).*(?P<hashes>(?:\n\s+--hash=.*)+)", re.MULTILINE)


def test_every_pinned_package_is_listed_with_its_version_and_hashes(tmp_path: Path) -> None:
    file = tmp_path / "new" / "sbom.json"
    # -o: what the tests run in is installed.
    subprocess.run(["make", "-o", ".venv/dev", "sbom", f"SBOM={file}"], cwd=ROOT, check=True, capture_output=True)
    found, requirements = json.loads(file.read_text("utf-8")), (ROOT / "requirements.txt").read_text("utf-8")
    pinned = {
        (one["name"], one["version"]): set(re.findall(r"sha256:([0-9a-f]{64})", one["hashes"]))
        for one in PINNED.finditer(requirements)
    }
    assert len(pinned) == len(re.findall(r"^\w\S*==", requirements, re.MULTILINE))
    assert all(pinned.values())
    assert {(one["name"], one["version"]): hashes(one) for one in found["components"]} == pinned
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == ("CycloneDX", "order-receiver")


def hashes(component: dict[str, Any]) -> set[str]:
    return {one["content"] for place in component["externalReferences"] for one in place["hashes"]}
