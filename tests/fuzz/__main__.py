"""`make fuzz`: N random and hostile requests to a served receiver, and what else only many tries show, in one table."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

from docs.generate.figures import ROOT, TRUST, aligned, commit, write
from tests.fuzz import alone, mails, serving
from tests.fuzz.tally import HEAD, Line

N = int(os.environ.get("N", "100000"))
SEED = int(os.environ.get("SEED", "20261123"))
#: What's done is kept here until the table is written, so that a run that was ended goes on with the next part.
KEPT = ROOT / "build" / f"fuzz-{N}-{SEED}"

PARTS: dict[str, Callable[[], list[Line]]] = {
    "requests": lambda: serving.lines(serving.round_of(N), SEED),
    "emails": lambda: mails.lines(N // 10, SEED),
    "patterns": alone.of_patterns,
    "limits": alone.of_limits,
}
#: Which of them are run, with commas between.
CHOSEN = [name for name in PARTS if name in os.environ.get("PARTS", ",".join(PARTS)).split(",")]


def main() -> None:
    """Run the parts, print the table and write it down. A wrong answer ends it at once, with an AssertionError."""
    KEPT.mkdir(parents=True, exist_ok=True)
    done = [_done(name, PARTS[name]) for name in CHOSEN]
    table = aligned([HEAD, *(Line(*line) for part in done for line in part["lines"])], left=1)
    print(f"\n{table}")
    minutes = sum(part["seconds"] for part in done) / 60
    earlier = "".join(
        f", the {name} at {part['commit']}"
        for name, part in zip(CHOSEN, done, strict=True)
        if part["commit"] != commit()
    )
    write(TRUST, "make fuzz", table, f"`N={N} SEED={SEED}`, {minutes:.0f} minutes{earlier}")
    for name in CHOSEN:
        (KEPT / name).unlink()
    KEPT.rmdir()
    if any(Line(*line).wrong not in {"", "0"} for part in done for line in part["lines"]):
        raise SystemExit("Something is wrong: see the last column.")


def _done(name: str, lines: Callable[[], list[Line]]) -> dict[str, Any]:
    """Return what came of a part: of this run, or of one before it that was ended."""
    kept = KEPT / name
    if not kept.exists():
        print(f"{name} ...", flush=True)
        began = time.monotonic()
        of = commit()
        found = {"lines": lines(), "seconds": time.monotonic() - began, "commit": of}
        kept.write_text(json.dumps(found), "utf-8")
    done: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    return done


main()
