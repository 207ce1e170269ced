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
CHOSEN = [name for name in os.environ.get("PARTS", "").split(",") if name] or list(PARTS)


def main() -> None:
    """Run the parts, print their lines, and write the table down once all are done and right."""
    if unknown := [name for name in CHOSEN if name not in PARTS]:
        raise SystemExit(f"PARTS={','.join(unknown)} isn't known; choose from {', '.join(PARTS)}")
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in CHOSEN:
        _run(name)
    done = {name: json.loads((KEPT / name).read_text("utf-8")) for name in PARTS if (KEPT / name).exists()}
    table = aligned([HEAD, *(Line(*line) for part in done.values() for line in part["lines"])], left=1)
    print(f"\n{table}")
    if wrong := [name for name, part in done.items() if any(Line(*line).wrong.strip("0") for line in part["lines"])]:
        for name in wrong:  # the next run tries it again
            (KEPT / name).unlink()
        raise SystemExit(f"Something is wrong with {', '.join(wrong)}: see the last column.")
    if left := [name for name in PARTS if name not in done]:
        print(f"\nThe table is written once these are done too: {', '.join(left)}.")
    else:
        _write(table, done)


def _write(table: str, done: dict[str, Any]) -> None:
    """Write the table down, with what of it is of another commit, and begin from the start the next time."""
    minutes = sum(part["seconds"] for part in done.values()) / 60
    earlier = "".join(f", the {name} at {part['commit']}" for name, part in done.items() if part["commit"] != commit())
    write(TRUST, "make fuzz", table, f"`N={N} SEED={SEED}`, {minutes:.0f} minutes{earlier}")
    for name in done:
        (KEPT / name).unlink()
    KEPT.rmdir()


def _run(name: str) -> None:
    """Run a part and keep what came of it, unless a run before this one has."""
    if (KEPT / name).exists():
        print(f"{name}: kept in {KEPT}")
    else:
        print(f"{name} ...", flush=True)
        began, of = time.monotonic(), commit()
        found = {"lines": PARTS[name](), "seconds": time.monotonic() - began, "commit": of}
        (KEPT / name).write_text(json.dumps(found), "utf-8")


main()
