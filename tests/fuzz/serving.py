"""Random requests of every sort to one served receiver, in rounds that are all alike, and what it grows by."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.server import children_of, resident_bytes
from receiver import create_app
from receiver.app.components import Kit
from tests.end_to_end.processes import ROOT, Process, Running, granian, running, server_environment
from tests.fuzz import described, properties
from tests.fuzz.judge import Judge
from tests.fuzz.raw import Raw, exchange, make_raw, whole
from tests.fuzz.requests import Request
from tests.fuzz.tally import Line, Tally
from tests.served import SECRET
from tests.smtp_servers import free_port

ROUNDS = 20
#: Where memory is said, in per cent of the requests.
READ_AT = (10, 50, 100)
#: Which part of the requests Hypothesis makes, and Schemathesis; both take longer to make one than to answer it.
BY_HYPOTHESIS, BY_SCHEMATHESIS = 0.05, 0.02
#: In per cent: more isn't called flat.
MOST_GROWTH = 10
_THREADS = 8


class Round(NamedTuple):
    """How many requests of each sort are sent in a round."""

    by_bytes: int
    by_hypothesis: int
    by_schemathesis: int


def round_of(total: int) -> Round:
    """Return what each of the rounds sends, so that all of them send so many."""
    parts = (1 - BY_HYPOTHESIS - BY_SCHEMATHESIS, BY_HYPOTHESIS, BY_SCHEMATHESIS)
    return Round(*(max(1, round(total * part / ROUNDS)) for part in parts))


class Sent:
    """The requests of one run: each follows from the seed and its number."""

    def __init__(self, shop: Running, each: Round, seed: int) -> None:
        self.judge = Judge(may_be_busy=True)
        self._shop = shop
        self._port = int(shop.base.rpartition(":")[2])
        self._each = each
        self._seed = seed
        self._operations = list(described.operations(shop.base))

    def by_bytes(self, number: int) -> int:
        """Send a round's part of the connections."""
        share = self._each.by_bytes
        first = (number - 1) * share

        def send(one: int) -> None:
            self._send(make_raw(self._seed, one), f"connection {one} of seed {self._seed}")

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(send, range(first, first + share)))
        return share

    def by_hypothesis(self, number: int) -> int:
        """Send what Hypothesis makes in a round."""
        share = self._each.by_hypothesis

        def send(request: Request) -> None:
            self._send(whole(request), repr(request))

        properties.each(send, examples=share, number=self._seed + number)
        return share

    def by_schemathesis(self, number: int) -> int:
        """Send what Schemathesis makes in a round."""
        examples = max(1, self._each.by_schemathesis // len(self._operations))
        base, number = self._shop.base, self._seed + number
        return sum(described.ask(one, base, self.judge, examples=examples, number=number) for one in self._operations)

    def _send(self, raw: Raw, what: str) -> None:
        for answer in exchange(self._port, raw):
            self.judge.look_at_served(answer, raw, what)


def lines(each: Round, seed: int, rounds: int = ROUNDS) -> list[Line]:
    """Send the requests of all rounds and return the table's lines. Raises AssertionError at the first wrong answer."""
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as shop:
        sent, megabytes = Sent(shop, each, seed), []
        sorts = {
            "bytes on a socket": sent.by_bytes,
            "made by Hypothesis": sent.by_hypothesis,
            "made by Schemathesis of `/openapi.json`": sent.by_schemathesis,
        }
        tallies = {name: Tally(sent.judge) for name in sorts}
        for number in range(1, rounds + 1):
            for name, send in sorts.items():
                with tallies[name] as tally:
                    tally.tried += send(number)
            megabytes.append(max(map(resident_bytes, children_of(shop.process.pid))) / 1e6)
            print(f"round {number} of {rounds}: {megabytes[-1]:.0f} MB", flush=True)
        assert shop.process.stop() == 0
        assert "Traceback" not in shop.log
        sent.judge.look_at_disk(shop.kit)
        shop.kit.database.engine.dispose()
    rows = len(sent.judge.understood | sent.judge.parked)
    return [
        *(tally.line(name) for name, tally in tallies.items()),
        Line("rows on disk: each has its receipt, and none came without proof", f"{rows:,}", wrong="0"),
        of_memory(megabytes),
    ]


def of_memory(megabytes: Sequence[float]) -> Line:
    """Return the line of the memory after each round. A leak would show in the second half too: that must be flat."""
    read = {part: megabytes[len(megabytes) * part // 100 - 1] for part in READ_AT}
    is_flat = abs(read[100] - read[50]) <= read[50] * MOST_GROWTH / 100
    said = ", ".join(f"{size:.0f} MB at {part} %" for part, size in read.items())
    return Line(f"memory of the serving process: {said}", "", wrong="0" if is_flat else "1")


@contextmanager
def _served(folder: Path) -> Iterator[Running]:
    """Serve an instance of its own, as `flask init` makes it."""
    instance, port, log = folder / "instance", free_port(), folder / "server.log"
    variables = server_environment(
        INSTANCE_PATH=instance,
        SHARED_SECRETS=SECRET,
        HANDLERS="notify_merchant",
        EMBEDDED_WORKER="false",
        METRICS_TOKEN="a-token-that-nobody-guesses",
    )
    init = [sys.executable, "-m", "flask", "init"]
    subprocess.run(init, cwd=ROOT, env=variables, check=True, capture_output=True)
    kit: Kit = create_app({"SHARED_SECRETS": [SECRET]}, instance_path=instance).extensions["receiver"]
    with running(port, kit, lambda: Process(granian(port), variables, log), log) as shop:
        yield shop
