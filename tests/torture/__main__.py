"""Run the tests in turn and print one table: ``python -m tests.torture``; CONTRIBUTING.md says what changes a run."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
import traceback
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

from docs.generate.figures import TRUST, commit, write
from tests.end_to_end.processes import ROOT
from tests.end_to_end.starting import Starter
from tests.torture.places import STORES, Servers, place_on
from tests.torture.plan import GROUPS, Piece, pieces
from tests.torture.progress import Progress
from tests.torture.results import Result, table

N, SEED = int(os.environ.get("N", "44")), int(os.environ.get("SEED", "1"))
MINUTES = float(os.environ.get("MINUTES", "40"))
FOLDER = ROOT / "build" / "torture"


def torture() -> int:
    """Run what isn't finished yet until the time is over; return the exit status."""
    stores, groups = _chosen("STORE", STORES), _chosen("ONLY", {group: group for group in GROUPS})
    todo = list(pieces(N, stores, groups))
    progress = Progress(FOLDER / f"{commit()}-seed-{SEED}-n-{N}.jsonl")
    print(f"make torture SEED={SEED} N={N}: {len(todo)} pieces, {sum(piece in progress for piece in todo)} finished")
    _run([piece for piece in todo if piece not in progress], progress)
    results = progress.added_up(todo)
    print(table(results))
    left = sum(piece not in progress for piece in todo)
    if left:
        print(f"\n{left} pieces are left: run the same command again, and it goes on with them.")
    elif len(stores) == len(STORES) and len(groups) == len(GROUPS) and len(todo) <= N:
        write(TRUST, "make torture", table(results), f"`make torture SEED={SEED} N={N}`")
    return 0 if all(result.is_good for result in results.values()) else 1


def _chosen(variable: str, known: dict[str, str]) -> list[str]:
    """Return what a variable chooses by names with commas between them; without it, everything."""
    names = [name for name in os.environ.get(variable, "").split(",") if name] or list(known)
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"{variable}={','.join(unknown)} isn't known; choose from {', '.join(known)}")
    return [known[name] for name in names]


def _run(todo: list[Piece], progress: Progress) -> None:
    until = time.monotonic() + 60 * MINUTES
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the mail servers' own, of clients that were killed
    with ExitStack() as stack:
        starter, servers = stack.enter_context(closing(Starter())), Servers(stack)
        for piece in todo:
            if time.monotonic() > until:
                return
            started = time.monotonic()
            result = _result_of(piece, starter, servers)
            progress.add(piece, result)
            seconds = time.monotonic() - started
            print(f"{piece.line.name}, {piece.store}: {_short(result)}; {seconds:.0f} s", flush=True)


def _result_of(piece: Piece, starter: Starter, servers: Servers) -> Result:
    """Run one piece; one that breaks off is an error too, and what any bad one leaves behind is kept."""
    random = Random(f"{SEED} {piece.line.name} {piece.store} {piece.number}")
    with place_on(piece.store, servers) as place:
        try:
            result = piece.line.run(place, starter, random, piece.times)
        except Exception:
            traceback.print_exc()
            result = Result(tried=piece.times, errors=1, notes={"broke off": 1})
        if not result.is_good:
            kept = Path(FOLDER / f"{int(time.time())}-{piece.line.name.replace(' ', '-')}")
            shutil.copytree(place.folder, kept)
            print(f"What it left is in {kept}")
    return result


def _short(result: Result) -> str:
    counts = f"{result.tried} tried, {result.lost} lost, {result.doubled} doubled, {result.refused} refused"
    return f"{counts}, {result.errors} × 500"


if __name__ == "__main__":
    sys.exit(torture())
